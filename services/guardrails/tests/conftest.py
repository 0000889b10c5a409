"""Unit tests of guardrails: rails, policies and corrections, with the real models."""
