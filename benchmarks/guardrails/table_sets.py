"""Pairs of a true and a false statement about a table: human ones, and generated ones in English and Korean."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from septet_guardrails.domain.grounding.tables import Table, split_tables

from benchmarks.guardrails.sets import rows

# A statement without such a word is a look-up: it needs one row, and neither counts, compares nor orders.
_NO_LOOK_UP = re.compile(
    r"\b(most|least|more|less|fewer|fewest|highest|lowest|largest|smallest|biggest|longest|shortest|greatest|earliest"
    r"|latest|average|total|sum|combined|number of|than|only|all|every|each|none|majority|times|over|under|both|same"
    r"|different|\w+est|in a row|consecutive|straight|between|after|before|few|several|last|first|top"
    r"|there (?:are|is|was|were|be)|any|no|not|never|other|percent|two|three|four|five|six|seven|eight|nine|ten)\b"
)
_TEMPLATES = {
    "en": ("The {column} of {key} is {value}.", "{key} has a {column} of {value}."),
    "ko": ("{key}의 {column} 값은 {value}입니다.", "{key}의 {column}: {value}이다."),
}


@dataclass(frozen=True)
class Pair:
    """A true and a false statement about a table; ``table`` is its text, ``source`` its id."""

    true: str
    false: str
    table: str
    source: str
    group: str


@dataclass(frozen=True)
class ValuePair:
    """A true and a false JSON object about a table."""

    true: dict[str, str]
    false: dict[str, str]
    table: str
    group: str


def tabfact() -> Iterator[Pair]:
    """Statements that differ in one edit (TabFact), by whether they are look-ups and whether the table has both words."""
    for row in rows("tabfact_pairs_a/pairs"):
        kind = "other" if _NO_LOOK_UP.search(row["true"]) else "look-up"
        where = "both words in table" if row["both_in_table"] else "a word not in table"
        yield Pair(
            row["true"], row["false"], row["table_markdown"], row["table_id"], f"tabfact {kind}, {where}"
        )


def made(language: str) -> Iterator[Pair]:
    """Generated statements about WikiTableQuestions tables: the value of another row, or of another column."""

    for at, (text, table) in enumerate(_tables()):
        chance = random.Random(at)
        template = chance.choice(_TEMPLATES[language])
        for kind, key, column, value, wrong in _edits(table, chance):
            true, false = (template.format(key=key, column=column, value=v) for v in (value, wrong))
            yield Pair(true, false, text, str(at), f"made {kind} {language}")


def made_values() -> Iterator[ValuePair]:
    """Generated JSON objects of a key and a value, with the value of another row or column as the false one."""
    for at, (text, table) in enumerate(_tables()):
        for kind, key, column, value, wrong in _edits(table, random.Random(at)):
            name = table.columns[0] or "name"
            yield ValuePair({name: key, column: value}, {name: key, column: wrong}, text, f"made {kind} json")


def _tables() -> Iterator[tuple[str, Table]]:
    for row in rows("bipia/contexts"):
        if row["task"] == "table":
            yield from ((row["context"], table) for table in split_tables(row["context"])[0][:1])


def _edits(table: Table, chance: random.Random) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the kind, key, column, value and wrong value of up to six edits of a table."""
    keys = [row[0] for row in table.rows]
    usable = [row for row in table.rows if re.search(r"\w", row[0]) and keys.count(row[0]) == 1]
    for row in chance.sample(usable, min(3, len(usable))):
        places = [at for at in range(1, len(row)) if _is_usable(row[at]) and table.columns[at]]
        if not places:
            continue
        at = chance.choice(places)
        edits = {"row": [other[at] for other in table.rows], "column": [row[place] for place in places]}
        for kind, values in edits.items():
            wrong = [
                v for v in values if _is_usable(v) and v not in row[at] and row[at] not in v and v != row[0]
            ]
            if wrong:
                yield kind, row[0], table.columns[at], row[at], chance.choice(wrong)


def _is_usable(cell: str) -> bool:
    return 0 < len(cell) <= 40 and re.search(r"\w", cell) is not None
