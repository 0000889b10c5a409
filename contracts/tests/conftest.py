"""Unit tests of the contracts: events, codecs, frozen schemas and the compatibility check."""
