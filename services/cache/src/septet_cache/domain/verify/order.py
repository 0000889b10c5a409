"""Order and roles of the arguments: "X to Y" differs from "Y to X"."""

from __future__ import annotations

from septet_cache.domain.reading import Reading, Term
from septet_cache.domain.verify.alignment import Alignment

#: Roles that match any other role: none, or prepositions that paraphrases exchange freely.
_LOOSE = frozenset({"", "in", "for", "about", "of", "topic"})
#: Prepositions whose phrase may stand before its noun: "days of leave" and "leave days".
_ATTRIBUTIVE = frozenset({"of", "in", "for", "about"})


def disorder(alignment: Alignment) -> str:
    """Describe aligned words that changed places or roles; empty if none did.

    A phrase may move if its role is unique in both questions ("in Python, how …" and "how … in Python"). The parts of
    a coordination may be exchanged ("X and Y"), and a noun may stand before the noun that it modifies ("leave days").
    For other words, the role follows from the order in English and from particles in Korean.
    """
    for a, b in alignment.aligned:
        if a.role != b.role and _LOOSE.isdisjoint({a.role, b.role}):
            return f"“{a.surface}” is {a.role} in one and {b.role} in the other"
    swapped = _inversion(alignment)
    return f"“{swapped[0].surface}” and “{swapped[1].surface}” changed places" if swapped else ""


def _inversion(alignment: Alignment) -> tuple[Term, Term] | None:
    left, right = alignment.left, alignment.right
    movable = _unique_roles(left.terms) & _unique_roles(right.terms)
    pairs = [(i, j, _moves(alignment, i, j, movable)) for i, j in alignment.pairs]
    for n, (i, j, free) in enumerate(pairs):
        for k, m, also_free in pairs[n + 1 :]:
            if m >= j or ((free or also_free) and not _share_a_phrase(alignment, (i, k), (j, m))):
                continue
            if (i, k) in left.exchangeable and (m, j) in right.exchangeable:
                continue
            if _modifies(left, k, i, right, m, j) or _modifies(right, j, m, left, i, k):
                continue
            return left.terms[i], left.terms[k]
    return None


def _modifies(phrased: Reading, modifier: int, head: int, joined: Reading, first: int, second: int) -> bool:
    """Whether "head of modifier" in one text is "modifier head" in the other."""
    a, b = phrased.terms[head], phrased.terms[modifier]
    return (
        b.role in _ATTRIBUTIVE
        and b.phrase == a.phrase + 1
        and joined.terms[first].role != b.role
        and joined.terms[first].phrase == joined.terms[second].phrase
    )


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
    """Return the roles of exactly one phrase. A phrase with *of* belongs to the noun before it and cannot move."""
    phrases: dict[str, set[int]] = {}
    for term in terms:
        if term.role and term.role != "of":
            phrases.setdefault(_case(term), set()).add(term.phrase)
    return frozenset(role for role, found in phrases.items() if len(found) == 1)
