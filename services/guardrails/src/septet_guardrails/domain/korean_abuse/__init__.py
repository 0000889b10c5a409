"""Abuse, hatred and threats in Korean: a lexicon, and rules that combine its classes."""

from septet_guardrails.domain.korean_abuse.rules import match_korean

__all__ = ["match_korean"]
