"""Word alignment of two questions."""

from __future__ import annotations

from dataclasses import dataclass

from septet_cache.domain.reading import Reading, Term
from septet_cache.domain.reading.korean_words import PARTICLES

_ABSTRACT = ("ation", "ition", "ion", "ment", "ance", "ence", "ness", "ly")
_MIN_BASE = 4
_RECEIVE = "받"
#: Nouns for the act of the receiver, in questions about documents and keys that the asker gets. Of an invoice or a
#: coupon, they are the act of the issuer.
_ISSUING = frozenset({"발급", "재발급"})
_DOCUMENTS = ("증명서", "등본", "초본", "여권", "면허증")
_KEYS = frozenset({"키", "key"})


@dataclass(frozen=True)
class Alignment:
    """Two questions with the positions (left, right) of their aligned terms, in the order of the left one."""

    left: Reading
    right: Reading
    pairs: tuple[tuple[int, int], ...]

    @property
    def only_left(self) -> tuple[Term, ...]:
        used = {i for i, _ in self.pairs}
        return tuple(t for i, t in enumerate(self.left.terms) if i not in used)

    @property
    def only_right(self) -> tuple[Term, ...]:
        used = {j for _, j in self.pairs}
        return tuple(t for j, t in enumerate(self.right.terms) if j not in used)

    @property
    def aligned(self) -> tuple[tuple[Term, Term], ...]:
        return tuple((self.left.terms[i], self.right.terms[j]) for i, j in self.pairs)


def align(left: Reading, right: Reading) -> Alignment:
    """Align greedily: equal forms first, then nominalisations, then misspellings; each word at most once."""
    pairs: dict[int, int] = {}
    issued = (_issued,) if _is_received(left) and _is_received(right) else ()
    for same in (_same_form, _derived, *issued, _misspelt):
        taken = set(pairs.values())
        for i, term in enumerate(left.terms):
            if i in pairs:
                continue
            match = _nearest(
                i, [j for j, other in enumerate(right.terms) if j not in taken and same(term, other)]
            )
            if match is not None:
                pairs[i] = match
                taken.add(match)
    return Alignment(left, right, tuple(sorted(pairs.items())))


def _nearest(i: int, candidates: list[int]) -> int | None:
    return min(candidates, key=lambda j: abs(i - j), default=None)


def _same_form(a: Term, b: Term) -> bool:
    return not a.forms.isdisjoint(b.forms)


def _derived(a: Term, b: Term) -> bool:
    """Whether one term is the abstract noun of the other, as *invest* and *investment*.

    Two different nouns of one base do not match.
    """
    return any(_nominalises(x, y) or _nominalises(y, x) for x in a.forms for y in b.forms if x.isascii())


def _nominalises(base: str, noun: str) -> bool:
    for ending in _ABSTRACT:
        stem = noun.removesuffix(ending)
        if stem != noun and len(stem) >= _MIN_BASE and base in {stem, stem + "e", stem + "ent", stem + "ate"}:
            return True
    return False


def _issued(a: Term, b: Term) -> bool:
    """Whether one Korean term is a noun of ``_ISSUING`` and the other its verb with 받다, as 발급 and 발급받다.

    Other nouns do not match this verb: 전송 is the act of the sender, 전송받다 that of the receiver.
    """
    return _receives(a, b) or _receives(b, a)


def _is_received(reading: Reading) -> bool:
    forms = {f for t in reading.terms for f in t.forms}
    return not forms.isdisjoint(_KEYS) or any(f.endswith(_DOCUMENTS) for f in forms)


def _receives(verb: Term, noun: Term) -> bool:
    bases = {f.removesuffix(_RECEIVE) for f in verb.forms if f.endswith(_RECEIVE)} & noun.forms
    return any(b in _ISSUING and _is_noun(noun.surface, b) for b in bases)


def _is_noun(word: str, base: str) -> bool:
    """Whether a Korean word is ``base`` with at most a particle."""
    return word == base or (word.startswith(base) and word[len(base) :] in PARTICLES)


def _misspelt(a: Term, b: Term) -> bool:
    """Whether two long words differ by one edit or transposition. Names must be equal."""
    x, y = a.surface, b.surface
    if not (x.isascii() and y.isascii()) or a.name or b.name or min(len(x), len(y)) < 7 or x[0] != y[0]:
        return False
    return abs(len(x) - len(y)) <= 1 and _within_one_edit(x, y)


def _within_one_edit(x: str, y: str) -> bool:
    start = next((i for i, (p, q) in enumerate(zip(x, y, strict=False)) if p != q), min(len(x), len(y)))
    rest_x, rest_y = x[start:], y[start:]
    return (
        rest_x[1:] == rest_y[1:]
        or rest_x[1:] == rest_y
        or rest_x == rest_y[1:]
        or (rest_x[:2] == rest_y[:2][::-1] and rest_x[2:] == rest_y[2:])
    )
