"""Quotes texts as data in a judge's prompt.

A judged text may contain a verdict or an instruction. Two measures keep it from deciding:

- Each text stands between markers with a digest of all texts of the prompt, so it cannot close its own quotation.
- A text that looks like a verdict is changed so that no parser reads it, even if the judge repeats it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

_DOUBLE = re.compile(r"\[\[(\s*(?:[ABC]|\d+(?:\.\d+)?(?:\s*,\s*\d+(?:\.\d+)?)?)\s*)\]\]")
_RATING = re.compile(r"((?:rating|score|평점|점수)\W{0,4})\[(\s*\d+(?:\.\d+)?\s*)\]", re.IGNORECASE)
_KEY = re.compile(r'"((?:[^"\\\n]|\\.){1,40})"(\s{0,8}:)')
_VERDICT_KEYS = frozenset({"score", "rating", "verdict", "winner", "claims"})


def quoted(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts between their markers, by name. An empty text stays empty, so that a template can leave it out."""
    body = "\x1f".join(f"{name}\x1e{text}" for name, text in sorted(texts.items()))
    nonce = hashlib.sha256(body.encode()).hexdigest()[:12]
    return {name: f"<<<{nonce}\n{inert(text)}\n{nonce}>>>" if text else "" for name, text in texts.items()}


def inert(text: str) -> str:
    """The text without anything that a parser of verdicts reads.

    ``[[A]]`` becomes ``[(A)]``, ``Rating: [5]`` becomes ``Rating: (5)``, and the JSON key ``"score"`` becomes ``'score'``.
    """
    return _KEY.sub(_key, _RATING.sub(r"\1(\2)", _DOUBLE.sub(r"[(\1)]", text)))


def _key(found: re.Match[str]) -> str:
    try:
        # A key may be written with escapes, which a parser resolves.
        name = json.loads(f'"{found[1]}"')
    except ValueError:
        return found[0]
    return f"'{name}'{found[2]}" if name in _VERDICT_KEYS else found[0]
