"""The rows of the chaos suite: each is a load, a fault, and what has to be true afterwards."""
