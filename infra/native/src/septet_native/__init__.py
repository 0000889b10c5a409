"""The servers of Septet without Docker: Kafka, PostgreSQL, models and a trace page.

The subpackages, from the top layer to the bottom layer. A module imports from its own layer or from a lower one;
``lint-imports`` checks this.

- ``doctor``: checks of what the stack needs, each with its fix. ``prepare``: downloads and builds for ``make setup``.
- ``stack``: servers and services started, supervised and stopped together.
- ``servers``: Kafka, PostgreSQL, OpenSearch, Jaeger and the servers of this package, behind one interface.
- ``models``: the embeddings server and the language model. ``traces``: the OTLP receiver and the trace page.
- ``credentials``, ``packages``, ``processes``: passwords, downloaded and installed files, child processes.
- ``errors``: ``StackError`` and its subclasses. ``services``: names of the services.

This module imports nothing, so that a server that runs as ``python -m septet_native.…`` loads only what it uses.
"""
