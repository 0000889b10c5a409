"""Tests that cross services: contract, integration, end to end, trace, chaos."""
