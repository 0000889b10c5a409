"""``septet demo``: shows and checks the main features on real documents."""
