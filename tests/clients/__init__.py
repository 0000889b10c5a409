"""Clients and test suites of others against a real gateway. They run in ``.venv-clients``: ``make test-clients``."""
