"""Unit tests of the native stack: processes, downloads, model servers, and a whole embedded stack."""
