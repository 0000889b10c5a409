"""A canary: a candidate answers a share of live conversations until the gate fails."""
