"""The septet command."""
