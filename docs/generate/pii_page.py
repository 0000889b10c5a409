"""Writes docs/reference/pii.md from the benchmark's results: ``python docs/generate/pii_page.py``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "pii.md"
RESULTS = ROOT / "benchmarks" / "guardrails" / "results" / "pii.json"
Figures = Mapping[str, Any]

HEAD = """# Personal data: what the `pii` rail finds

`python docs/generate/pii_page.py` writes this page from the [results](../../benchmarks/guardrails/results/pii.json) of
`python -m benchmarks.guardrails.pii`; do not edit it. [Rails](rails.md) describes the rail's settings.

- **recall**: share of the marked values that a match of the entity overlaps.
- **whole**: share of the marked values of which every letter and digit is masked, by this entity or another.
- **precision**: share of the matches that overlap a marked value of the entity. An address and the name of its town count
  as the same entity.
"""

ENTITIES = """## Entities

| entity | what matches | confirmed by |
| --- | --- | --- |
| `EMAIL` | addresses, also with "[at]" and "골뱅이" | form |
| `PHONE` | international, Korean and US numbers; other groups of digits near a word such as "phone" or "연락처" | form, context |
| `CREDIT_CARD` | 12 to 19 digits | Luhn digit and the issuer's lengths |
| `IBAN` | accounts | structure of the country, modulo 97 |
| `BANK_ACCOUNT` | digits near "계좌" or "account number" | context |
| `KR_RRN` | resident and foreigner registration numbers | birth date, check digit; numbers for births since October 2020 have none |
| `KR_BUSINESS` | business registration numbers | check digit |
| `US_SSN` | social security numbers | areas that are never issued |
| `PASSPORT`, `DRIVER_LICENSE` | numbers near their name; Korean driver's licences by form | context, form |
| `IP_ADDRESS` | IPv4 and IPv6, except loopback | form |
| `API_KEY` | keys of well-known providers | prefix |
| `PERSON` | Korean: surname and common syllables beside a label (성함, 예금주), a title (씨, 님, 과장) or an introduction. English: "my name is …" and forms with a name field | context |
| `ADDRESS` | Korean: road or lot with its number, and doors (101동 1203호). Others: a street with a house number, P. O. boxes, units | form, context |
| `LOCATION`, and `PERSON` in other English text | only with `names: true` | named-entity model |

[python-stdnum](../../services/guardrails/src/septet_guardrails/domain/pii/checksums.py) computes Luhn digits, IBANs, resident
numbers and social security numbers.

## Placeholders

A value becomes `<ENTITY_n>`, such as `<EMAIL_2>`. Equal values have the same placeholder in the question and all messages of
a request. Spelling counts, except for upper case and for the separators of numbers: `kim.lee@…` and `kimlee@…` differ,
`010-1234-5678` and `010 1234 5678` do not.

With `restore: true` in the policy's input rule, the answer in the response has the user's own values in place of the
placeholders, unless the answer contains a link, HTML or an address
([write a policy](../how-to/policies.md#restore-the-users-own-data)).
"""

LIMITS = """## What is not found

- **Names without a context.** "우리 팀 구본승이" and "Tomomi lives in Bern" pass. `names: true` finds part of the English
  ones, at about 50 ms a text. It ignores Hangul: the model knows English only.
- **Rare surnames and given names** in Korean, and Korean names in Latin letters.
- **Towns, countries, postal codes alone, organisations, titles, ages, dates, nationalities, web sites.** They identify
  people in combination only, and technical questions are full of them.
- **Street addresses in lower case**, without a house number, or in scripts other than Latin and Hangul.
- **Numbers in words** ("공일공"), and numbers whose check digit is mistyped, unless a word such as "주민번호" is near.
- **Other countries' identity numbers.**

The rail masks by form and does not know who is meant. The address of a public building and the name of a public person
with a title ("안성기 씨") are masked, too. A policy lists other `entities` where questions are about such data.

## How far the figures go

Presidio's sentences are generated from templates. The authors of the English rules read a random sample of all templates,
and then only the misses of part A. Part B is the other half. The Korean sentences were written by the authors of the rules: part 1 before the rules, part 2
after them. Part 2 is the better estimate, but both are small. The entities with a few dozen values or fewer show that a
form is recognised, not how often people write it.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(json.loads(RESULTS.read_text("utf-8"))), "utf-8")
    print(f"wrote {PAGE}")


def page(results: Figures) -> str:
    """The page's text."""
    parts = [HEAD, *_english(results), *_korean(results), *_alarms(results), ENTITIES, LIMITS]
    return "\n".join(parts)


def _english(results: Figures) -> Iterator[str]:
    english, names = results["english"], results["english_names"]
    yield "## English\n"
    yield f"{english['sentences']:,} synthetic sentences of presidio-research, default policy. Part B: half of the templates.\n"
    yield _line(
        "entity",
        "values",
        "recall",
        "whole",
        "precision",
        "false matches",
        "recall, part B",
        "precision, part B",
    )
    yield _line("---", *["---:"] * 7)
    for entity, all_ in _sought(english["all"], english["not_looked_for"]):
        b = english["part_b"].get(entity, {})
        yield _line(f"`{entity}`", *_cells(all_), all_["false"], b.get("recall", ""), b.get("precision", ""))
    ignored = ", ".join(f"{name} ({n})" for name, n in english["not_looked_for"].items())
    yield f"\nNot looked for: {ignored}.\n"
    yield f"The first {names['sentences']} sentences, without and with `names: true`:\n"
    yield _line("entity", "values", "recall", "whole", "precision", "recall with names", "whole", "precision")
    yield _line("---", *["---:"] * 7)
    for entity in ("PERSON", "LOCATION", "ADDRESS"):
        without, with_ = names["patterns"][entity], names["names"][entity]
        yield _line(f"`{entity}`", *_cells(without), *_cells(with_)[1:])
    yield ""


def _korean(results: Figures) -> Iterator[str]:
    parts = results["korean"]
    yield "## Korean\n"
    yield "Hand-made [sentences](../../benchmarks/guardrails/korean_pii.txt) with made-up persons, default policy."
    for number, part in parts.items():
        yield (
            f"Part {number}: {part['sentences']} sentences, {part['with_personal_data']} of them with personal data."
        )
    yield ""
    heads = [
        f"{head}, part {number}" for number in parts for head in ("values", "recall", "whole", "precision")
    ]
    yield _line("entity", *heads)
    yield _line("---", *["---:"] * len(heads))
    for entity in sorted({entity for part in parts.values() for entity in part["patterns"]}):
        cells = [cell for part in parts.values() for cell in _cells(part["patterns"].get(entity, {}))]
        yield _line(f"`{entity}`", *cells)
    missed = [item for part in parts.values() for item in part["missed"]]
    yield "\nMissed: " + "; ".join(f"`{item}`" for item in missed) + ".\n"


def _alarms(results: Figures) -> Iterator[str]:
    yield "## Matches in texts that are not about anybody's data\n"
    yield (
        "Questions and instructions should have none. Documents hold real addresses and names; the rail does not mask them\n"
        "where they are passages, and an answer may repeat what a passage says.\n"
    )
    yield _line("set", "language", "texts", "with a match", "share", "matches")
    yield _line("---", "---", "---:", "---:", "---:", "---")
    for kind in ("questions", "documents"):
        for name, figures in results[kind].items():
            entities = ", ".join(f"{count} {entity}" for entity, count in figures["entities"].items())
            yield _line(
                f"{name} ({kind})",
                figures["language"],
                f"{figures['n']:,}",
                figures["texts_with_a_match"],
                f"{figures['share']:.2%}",
                entities,
            )
    yield ""


def _sought(figures: Figures, ignored: Figures) -> Iterator[tuple[str, Figures]]:
    return ((entity, each) for entity, each in figures.items() if entity not in ignored)


def _cells(figures: Figures) -> list[object]:
    return [figures.get(key, "") for key in ("n", "recall", "whole", "precision")]


def _line(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()
