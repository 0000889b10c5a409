"""Unit tests of the kit: its own classes on a simulated broker, database and clock."""
