"""The outside world: Postgres and telemetry."""
