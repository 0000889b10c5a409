"""Documents from files and from Python modules, on their way to the documents topic."""
