"""The embedding models by name; as a program it builds one of their files."""

from __future__ import annotations

import argparse
from pathlib import Path

from septet_native.models import e5, minilm

DEFAULT = e5.MODEL
MODELS = {model.name: model for model in (e5.MODEL, minilm.MODEL)}


def main() -> None:
    """Build one file of an embedding model."""
    parser = argparse.ArgumentParser(prog="python -m septet_native.models.build", description=main.__doc__)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("part", choices=("model", "tokenizer"))
    parser.add_argument("target", type=Path)
    parser.add_argument("--fp32", action="store_true", help="keep full precision")
    arguments = parser.parse_args()
    model = MODELS[arguments.model]
    if arguments.part == "tokenizer":
        model.write_tokenizer(arguments.target)
    else:
        model.write_model(arguments.target, not arguments.fp32)


if __name__ == "__main__":
    main()
