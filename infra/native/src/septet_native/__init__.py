"""The servers of Septet without Docker: Kafka, PostgreSQL, models and a trace page."""
