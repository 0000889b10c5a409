"""Use cases: ingest documents, search passages, classify answerability, rebuild the lexical index."""
