"""Order and roles of the arguments: "X to Y" differs from "Y to X"."""

from __future__ import annotations

from septet_cache.domain.reading import Term
from septet_cache.domain.verify.alignment import Alignment

#: Roles that match any other role: none, or prepositions that paraphrases exchange freely.
_LOOSE = frozenset({"", "in", "for", "about", "topic"})


def disorder(alignment: Alignment) -> str:
    """Describe aligned words that changed places or roles; empty if none did.

    A phrase may move if its role is unique in both questions ("in Python, how …" and "how … in Python"). Arguments of
    a symmetric question may change places ("difference between X and Y"). For other words, the role follows from the
    order in English and from particles in Korean.
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
    """Whether the words are in one phrase, where the order is fixed."""
    sides = ((alignment.left.terms, left), (alignment.right.terms, right))
    return any(terms[x].phrase == terms[y].phrase for terms, (x, y) in sides)


def _moves(alignment: Alignment, i: int, j: int, movable: frozenset[str]) -> bool:
    role = _case(alignment.left.terms[i])
    return role == _case(alignment.right.terms[j]) and role in movable


def _case(term: Term) -> str:
    """Return the role of a term. A Korean topic counts as the subject."""
    return "subject" if term.role == "topic" else term.role


def _unique_roles(terms: tuple[Term, ...]) -> frozenset[str]:
    """Return the roles of exactly one phrase."""
    phrases: dict[str, set[int]] = {}
    for term in terms:
        if term.role:
            phrases.setdefault(_case(term), set()).add(term.phrase)
    return frozenset(role for role, found in phrases.items() if len(found) == 1)
