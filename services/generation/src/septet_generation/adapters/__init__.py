"""The outside world: the model's HTTP API, prompt files, Postgres, telemetry."""
