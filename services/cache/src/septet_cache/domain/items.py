"""Questions about items: questions that differ only in an item id."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from septet_cache.domain.normalise import normal_form
from septet_cache.domain.paraphrase import MAX_QUESTION_CHARS

# A Korean particle after an id depends on how the id is pronounced.
_ITEM = re.compile(
    r"(?<![a-z0-9])((?=[a-z_-]*\d)[a-z0-9][a-z0-9_-]*)(?:(?:은|는|이|가|을|를|과|와|으로|로)(?=\s|$))?"
)


@dataclass(frozen=True)
class ItemGroup:
    """One question about several items.

    Attributes:
        requests: number of requests.
        items: number of different ids, or of different sets of ids.
        examples: two of the questions.
    """

    requests: int
    items: int
    examples: tuple[str, ...]


def item_groups(questions: Iterable[str], least: int = 3) -> list[ItemGroup]:
    """Group questions that are equal except for words with digits; return groups of ``least`` questions or more.

    A group has at least two items. The largest group comes first. Questions that are too long for verification are
    left out.
    """
    groups: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for question in (q for q in questions if len(q) <= MAX_QUESTION_CHARS):
        form = normal_form(question)
        if ids := tuple(_ITEM.findall(form)):
            groups[_ITEM.sub("…", form)].append((ids, question))
    found = []
    for members in groups.values():
        first = dict(reversed(members))
        if len(members) >= least and len(first) > 1:
            examples = sorted(first.values(), key=[q for _, q in members].index)[:2]
            found.append(ItemGroup(len(members), len(first), tuple(examples)))
    return sorted(found, key=lambda g: -g.requests)
