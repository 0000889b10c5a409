"""Guardrails: input rails for questions and output rails for answers, configured by policies."""
