"""A model endpoint that costs nothing: deterministic, fast, and able to fail on demand."""
