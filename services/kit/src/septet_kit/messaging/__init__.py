"""Kafka: key lanes, contiguous offset commits, publishing, dead letters."""
