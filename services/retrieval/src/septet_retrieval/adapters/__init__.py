"""Adapters of the ports: PostgreSQL, tantivy, OpenSearch."""
