-- Runs once, when the data directory is created. Each service makes its own schema and tables when it starts.
CREATE EXTENSION IF NOT EXISTS vector;
