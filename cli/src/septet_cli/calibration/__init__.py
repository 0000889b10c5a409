"""``septet calibrate``: fits the values that depend on the embedding model to labelled data."""
