"""The safe answer cache: verified hits, guarded admission, revocation."""
