"""Unit tests of the command line: commands, screens and readers of documents, some on a real Kafka."""
