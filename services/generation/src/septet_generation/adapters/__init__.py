"""Adapters of the ports: the chat completions API, prompt files, PostgreSQL."""
