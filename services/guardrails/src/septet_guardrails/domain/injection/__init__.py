"""Prompt injection: readings of a text, rules, use versus mention, and a trained model that combines them."""
