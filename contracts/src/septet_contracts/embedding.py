"""Embeddings in events."""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from septet_contracts.envelope import Contract

MAX_DIMENSIONS = 4096
_FLOAT_BYTES = 4


def _is_packed(value: str) -> str:
    raw = base64.b64decode(value, validate=True)
    if not raw or len(raw) % _FLOAT_BYTES:
        raise ValueError(f"{len(raw)} bytes are not a whole number of float32 values")
    # A single NaN or infinity makes the sum non-finite.

    if not math.isfinite(sum(_floats(raw))):
        raise ValueError("not all numbers are finite")
    return value


def _floats(raw: bytes) -> array[float]:
    numbers = array("f", raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


Packed = Annotated[
    str,
    Field(
        min_length=8,
        max_length=4 * math.ceil(MAX_DIMENSIONS * _FLOAT_BYTES / 3),
        description="Little-endian float32 numbers in base64 (RFC 4648, section 4, with padding).",
        json_schema_extra={"contentEncoding": "base64"},
    ),
    AfterValidator(_is_packed),
]


class DecimalEmbedding(Contract):
    """A vector as JSON numbers, as written before version 1.3 of the internal contracts."""

    model: str
    vector: tuple[float, ...] = Field(max_length=MAX_DIMENSIONS)


class Embedding(Contract):
    """A vector with the name of the model that made it: vectors of different models are not comparable."""

    model: str
    packed: Packed

    @classmethod
    def of(cls, model: str, values: Iterable[float]) -> Self:
        """Pack numbers, rounded to float32."""
        numbers = array("f", values)
        if sys.byteorder == "big":
            numbers.byteswap()
        return cls(model=model, packed=base64.b64encode(numbers.tobytes()).decode())

    @cached_property
    def vector(self) -> array[float]:
        """The numbers as float32, readable without a copy through the buffer protocol."""
        return _floats(binascii.a2b_base64(self.packed))
