"""Running suites through Kafka, and what the `septet eval` commands read and write."""
