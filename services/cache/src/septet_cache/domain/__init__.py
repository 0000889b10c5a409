"""Rules for safe cached answers: pure functions, without broker, database or model."""
