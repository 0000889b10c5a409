"""The two model servers, embeddings and chat, and the files of their models."""
