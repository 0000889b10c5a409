"""Progress of `septet tune`."""
