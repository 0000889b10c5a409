"""The embedded model's tokenizer, built from the vocabulary in its GGUF file."""

from __future__ import annotations

from typing import Any

from gguf import GGUFReader
from septet_native.models.smollm import source_file
from tokenizers import Tokenizer, models, pre_tokenizers


def embedded_tokenizer() -> Tokenizer:
    """Byte-level BPE that splits digits, as the file's ``tokenizer.ggml.pre`` (``smollm``) demands.

    Raises:
        ValueError: the file names another pre-tokenizer.
    """
    reader = GGUFReader(source_file())
    if (named := _value(reader, "tokenizer.ggml.pre")) != "smollm":
        raise ValueError(f"unknown pre-tokenizer {named!r}")
    tokens = _value(reader, "tokenizer.ggml.tokens")
    merges = [tuple(pair.split(" ")) for pair in _value(reader, "tokenizer.ggml.merges")]
    made = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return made


def _value(reader: GGUFReader, name: str) -> Any:
    field = reader.get_field(name)
    if field is None:
        raise ValueError(f"the model file has no {name}")
    return field.contents()
