"""Prompts, models and their prices, chunks of streamed text. No I/O."""
