"""Child processes: start, probe, supervise and stop them, and find those that a crash left behind."""
