"""All services while processes, servers and networks fail: the chaos suite, and unit tests of its parts."""
