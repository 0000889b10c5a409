"""Kafka, PostgreSQL, OpenSearch, Jaeger and the project's own servers, each as a ``Server`` of the stack."""
