"""Structure-aware chunking: documents to passages that keep headings, code, lists and tables together."""

from septet_retrieval.domain.chunking.chunker import CHUNKER_VERSION, Chunk, Limits, chunk

__all__ = ["CHUNKER_VERSION", "Chunk", "Limits", "chunk"]
