"""Lexical keys of questions, for languages that the embeddings model covers poorly."""

from __future__ import annotations

from septet_cache.domain.reading import Reading

MAX_GRAMS = 64


def grams(reading: Reading) -> tuple[str, ...]:
    """Return the base forms of the content words; for Korean, their syllable bigrams, which ignore particles."""
    found: dict[str, None] = {}
    for term in reading.heavy:
        for form in sorted(term.forms):
            if form.isascii():
                found[form] = None
            else:
                found.update(dict.fromkeys(form[i : i + 2] for i in range(max(1, len(form) - 1))))
    return tuple(found)[:MAX_GRAMS]
