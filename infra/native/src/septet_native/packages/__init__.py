"""Programs and files of the servers: wheels, jars, toolchains, configuration, and the user's cache."""
