"""Adapters of feedback: PostgreSQL."""
