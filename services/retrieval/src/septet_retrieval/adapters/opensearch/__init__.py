"""Lexical index on OpenSearch: versioned indexes behind an alias; the server analyses the text."""

from septet_retrieval.adapters.opensearch.connect import Cluster, connect, open_index
from septet_retrieval.adapters.opensearch.index import OpenSearchIndex
from septet_retrieval.adapters.opensearch.versions import Versions

__all__ = ["Cluster", "OpenSearchIndex", "Versions", "connect", "open_index"]
