"""``septet stub-model``: a fast, deterministic model endpoint that can fail on demand."""
