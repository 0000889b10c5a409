"""A stack: which servers it has, where they listen, how they start, and the files that describe it."""
