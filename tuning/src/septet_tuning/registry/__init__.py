"""Immutable versions of models, the aliases that serve them, promotion and rollback."""
