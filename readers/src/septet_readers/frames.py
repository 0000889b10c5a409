"""Messages between a process that reads files and its parent: a JSON header and bytes, each with its length."""

from __future__ import annotations

import json
import struct
from typing import Any

PREFIX = struct.Struct("!II")
"""Lengths of header and bytes."""


def frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """One message."""
    encoded = json.dumps(header).encode()
    return PREFIX.pack(len(encoded), len(body)) + encoded + body
