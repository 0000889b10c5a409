"""Structure-aware chunking: splits documents at headings, code blocks, lists and tables."""

from septet_retrieval.domain.chunking.chunker import CHUNKER_VERSION, Chunk, Limits, chunk

__all__ = ["CHUNKER_VERSION", "Chunk", "Limits", "chunk"]
