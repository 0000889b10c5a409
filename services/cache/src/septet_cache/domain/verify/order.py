"""Order and roles of the arguments: "X to Y" is not "Y to X"."""

from __future__ import annotations

from septet_cache.domain.reading import Term
from septet_cache.domain.verify.alignment import Alignment

#: Roles that may stand for any other: open, or given by prepositions that paraphrases exchange freely.
_LOOSE = frozenset({"", "in", "for", "about", "topic"})


def disorder(alignment: Alignment) -> str:
    """Say which aligned words changed places or roles; empty when none did.

    A phrase may move when its relation is the only one of its kind on both sides ("in Python, how …" and
    "how … in Python"), and so may arguments that are treated alike ("difference between X and Y"). English
    tells the roles of other words by their order, Korean by particles.
    """
    for a, b in alignment.aligned:
        if a.role != b.role and _LOOSE.isdisjoint({a.role, b.role}):
            return f"“{a.surface}” is {a.role} in one and {b.role} in the other"
    if alignment.left.symmetric and alignment.right.symmetric:
        return ""
    swapped = _inversion(alignment)
    return f"“{swapped[0].surface}” and “{swapped[1].surface}” changed places" if swapped else ""


def _inversion(alignment: Alignment) -> tuple[Term, Term] | None:
    movable = _unique_roles(alignment.left.terms) & _unique_roles(alignment.right.terms)
    pairs = [(i, j, _moves(alignment, i, j, movable)) for i, j in alignment.pairs]
    for n, (i, j, free) in enumerate(pairs):
        for k, m, also_free in pairs[n + 1 :]:
            if m < j and (not (free or also_free) or _share_a_phrase(alignment, (i, k), (j, m))):
                return alignment.left.terms[i], alignment.left.terms[k]
    return None


def _share_a_phrase(alignment: Alignment, left: tuple[int, int], right: tuple[int, int]) -> bool:
    """Within a phrase the order is fixed, wherever the phrase goes."""
    sides = ((alignment.left.terms, left), (alignment.right.terms, right))
    return any(terms[x].phrase == terms[y].phrase for terms, (x, y) in sides)


def _moves(alignment: Alignment, i: int, j: int, movable: frozenset[str]) -> bool:
    role = _case(alignment.left.terms[i])
    return role == _case(alignment.right.terms[j]) and role in movable


def _case(term: Term) -> str:
    """A Korean topic is, as a rule, the subject."""
    return "subject" if term.role == "topic" else term.role


def _unique_roles(terms: tuple[Term, ...]) -> frozenset[str]:
    """Roles that one phrase alone has."""
    phrases: dict[str, set[int]] = {}
    for term in terms:
        if term.role:
            phrases.setdefault(_case(term), set()).add(term.phrase)
    return frozenset(role for role, found in phrases.items() if len(found) == 1)
