"""Files that the servers are made of: wheels, jars, toolchains and configuration, kept in the user's cache."""
