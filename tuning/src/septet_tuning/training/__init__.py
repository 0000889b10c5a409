"""Gradients for language models, in JAX. Needs the extra ``jax``."""
