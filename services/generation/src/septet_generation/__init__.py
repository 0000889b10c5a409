"""Draft answers from any OpenAI-compatible model."""
