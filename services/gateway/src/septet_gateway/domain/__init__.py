"""The rules of the API: request bodies, completions, errors and API keys."""
