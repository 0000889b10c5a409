"""Reads files of many types into text, in processes with limits."""

from septet_readers.content import Content, MediaType, Unreadable
from septet_readers.limits import Limits
from septet_readers.processes import Readers

__all__ = ["Content", "Limits", "MediaType", "Readers", "Unreadable"]
