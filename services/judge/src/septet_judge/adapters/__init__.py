"""Adapters of judge: PostgreSQL."""
