"""The lexical index on OpenSearch: plain text in, analysed by the server, behind an alias with versions."""

from septet_retrieval.adapters.opensearch.connect import Cluster, connect, open_index
from septet_retrieval.adapters.opensearch.index import OpenSearchIndex
from septet_retrieval.adapters.opensearch.versions import Versions

__all__ = ["Cluster", "OpenSearchIndex", "Versions", "connect", "open_index"]
