"""Answer cache: verified hits, controlled admission, and revocation."""
