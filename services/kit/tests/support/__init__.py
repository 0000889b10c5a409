"""A clock, a broker and a database in memory."""
