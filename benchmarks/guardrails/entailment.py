"""Calibrate an entailment model: the score from which on a claim counts as supported, by language.

    SEPTET_DATA=… python -m benchmarks.guardrails.entailment --url URL --model NAME [--kind chat|nli|tei]
        [--pairs FILE.jsonl] [--write FILE]

The claims are those of the groundedness benchmark and the look-ups of the table benchmark, or the rows of ``--pairs``:
``passage``, ``claim``, ``supported`` (true or false), and optionally ``question`` and ``set``. The prompts and requests
are those of the service. An answer's score is that of its weakest sentence.

The threshold is the lowest one at which, on the mean over the sets, at most ``--max-false-pass`` of the unsupported claims
pass. It is chosen on part A of each set; the report has part B, and each set with the threshold that the others choose.
A language whose sets have a mean AUC below ``--min-auc`` gets no threshold: such a model is too close to chance.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import SecretStr
from septet_contracts import Passage
from septet_guardrails.adapters.entailment_http import EntailmentEndpoint, ModelAddress
from septet_guardrails.domain.entailment import Pair, claim_of, premise_of
from septet_guardrails.domain.text import split_sentences
from septet_kit.errors import SeptetError
from sklearn.metrics import roc_auc_score

from benchmarks.guardrails import table_sets
from benchmarks.guardrails.groundedness_sets import Claim, claims
from benchmarks.guardrails.sets import part, save


@dataclass(frozen=True)
class Row:
    """A claim with the language and the score of its weakest sentence."""

    claim: Claim
    language: str
    score: float


def labelled(file: Path | None) -> list[Claim]:
    """Claims of a file, or of the public sets."""
    if file is None:
        return [*claims(), *_tables()]
    with file.open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines if line.strip()]
    return [
        Claim(
            row["claim"],
            row["passage"],
            row.get("question", ""),
            bool(row["supported"]),
            row.get("set", file.stem),
            part(f"{row['passage']} {row['claim']}"),
        )
        for row in found
    ]


def _tables() -> Iterator[Claim]:
    """Look-ups whose table has both words; both statements of a table belong to one part."""
    for pair in table_sets.tabfact():
        if pair.group == "tabfact look-up, both words in table":
            for text, supported in ((pair.true, True), (pair.false, False)):
                yield Claim(text, pair.table, "", supported, "tabfact look-up", part(pair.source))


def sample(found: Sequence[Claim], limit: int, longest: int) -> list[Claim]:
    """At most ``limit`` claims of each set, label and part, by the checksum of their text."""
    groups: dict[tuple[str, bool, str], list[Claim]] = defaultdict(list)
    for claim in found:
        if len(claim.passage) <= longest:
            groups[claim.group, claim.supported, claim.part].append(claim)
    ordered = (
        sorted(g, key=lambda c: zlib.crc32(f"{c.text}\n{c.passage}".encode())) for g in groups.values()
    )
    return [claim for group in ordered for claim in group[:limit]]


async def measure(address: ModelAddress, found: Sequence[Claim], concurrency: int) -> tuple[list[Row], int]:
    """Score the claims; return those with a score and the number of calls that failed."""
    model, slots, failures = EntailmentEndpoint(address), asyncio.Semaphore(concurrency), 0

    async def ask(pair: Pair) -> float | None:
        nonlocal failures
        async with slots:
            try:
                return await model.score(pair)
            except SeptetError as error:
                failures += 1
                if failures <= 3:
                    print(f"failed: {error.message}")
                return None

    async def row(claim: Claim) -> Row | None:
        premise = premise_of(_passage(claim.passage))
        pieces = [s.text for s in split_sentences(claim.text, 40)]
        pairs = [Pair(premise, claim_of(text, claim.question)) for text in pieces]
        scores = await asyncio.gather(*map(ask, (pair for pair in pairs if pair.is_readable)))
        known = [score for score in scores if score is not None]
        return Row(claim, pairs[0].language, min(known)) if known and len(known) == len(pairs) else None

    try:
        rows = await asyncio.gather(*map(row, found))
    finally:
        await model.aclose()
    return [row for row in rows if row is not None], failures


def _passage(text: str) -> Passage:
    return Passage(
        passage_id="p", document_id="d", content_hash="", text=text, start=0, end=len(text), score=1.0
    )


def by_set(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by set, of the sets with both labels."""
    sets: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        sets[row.claim.group].append(row)
    return {
        name: found for name, found in sorted(sets.items()) if len({r.claim.supported for r in found}) == 2
    }


def passing(rows: Sequence[Row], threshold: float, *, supported: bool) -> float:
    """Share of the claims with this label that reach a threshold."""
    return float(np.mean([row.score >= threshold for row in rows if row.claim.supported is supported]))


def auc(rows: Sequence[Row]) -> float:
    return float(roc_auc_score([row.claim.supported for row in rows], [row.score for row in rows]))


def choose(sets: dict[str, list[Row]], max_false_pass: float) -> float | None:
    """Return the lowest threshold with few enough false passes; it lies between two scores. None if there is none."""
    scores = sorted({row.score for rows in sets.values() for row in rows})
    for low, high in zip([0.0, *scores], [*scores, 1.0], strict=True):
        threshold = (low + high) / 2
        if not 0 < threshold < 1:
            continue
        if np.mean([passing(rows, threshold, supported=False) for rows in sets.values()]) <= max_false_pass:
            return round(threshold, 6)
    return None


def report(rows: Sequence[Row], threshold: float | None) -> dict[str, Any]:
    """Figures of a set at a threshold."""
    body: dict[str, Any] = {"n": len(rows), "auc": round(auc(rows), 3)}
    if threshold is not None:
        body |= {
            "threshold": threshold,
            "supported_pass": round(passing(rows, threshold, supported=True), 3),
            "unsupported_pass": round(passing(rows, threshold, supported=False), 3),
        }
    return body


def calibrate(rows: Sequence[Row], max_false_pass: float, min_auc: float) -> dict[str, Any]:
    """Return the threshold of one language and its figures."""
    tuned, checked = (by_set([r for r in rows if r.claim.part == half]) for half in "ab")
    if not tuned:
        return {"threshold": None, "reason": "no set has supported and unsupported claims"}
    mean_auc = round(float(np.mean([auc(found) for found in tuned.values()])), 3)
    threshold = choose(tuned, max_false_pass) if mean_auc >= min_auc else None
    left_out = {}
    for name, found in by_set(rows).items():
        others = {other: kept for other, kept in tuned.items() if other.split()[0] != name.split()[0]}
        left_out[name] = report(found, choose(others, max_false_pass) if others else None)
    return {
        "threshold": threshold,
        "reason": "" if threshold is not None else f"the mean AUC of {mean_auc} is too close to chance",
        "mean_auc": mean_auc,
        "checked_on_part_b": {name: report(found, threshold) for name, found in checked.items()},
        "chosen_on_other_sets": left_out,
    }


def main() -> None:
    """Score, choose, report, and write the calibration file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--kind", choices=("chat", "nli", "tei"), default="chat")
    parser.add_argument("--label", default="entailment", help="label of the class for entailment (nli, tei)")
    parser.add_argument(
        "--extra-body", type=json.loads, default={}, help="JSON: further fields of a chat request"
    )
    parser.add_argument(
        "--key", default="SEPTET_GUARDRAILS_ENTAILMENT_API_KEY", help="variable with the API key"
    )
    parser.add_argument("--pairs", type=Path, help="JSON lines with passage, claim and supported")
    parser.add_argument("--limit", type=int, default=100, help="most claims of a set, label and part")
    parser.add_argument("--longest", type=int, default=8_000, help="most characters of a passage")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--max-false-pass", type=float, default=0.05)
    parser.add_argument("--min-auc", type=float, default=0.7)
    parser.add_argument("--write", type=Path, help="calibration file for the service")
    parser.add_argument("--save", default="", help="name of the file in results/")
    options = parser.parse_args()
    key = SecretStr(os.environ.get(options.key, "none"))
    address = ModelAddress(options.kind, options.url, options.model, key, options.label, options.extra_body)
    began = time.monotonic()
    chosen = sample(labelled(options.pairs), options.limit, options.longest)
    rows, failures = asyncio.run(measure(address, chosen, options.concurrency))
    languages = {
        language: calibrate(
            [row for row in rows if row.language == language], options.max_false_pass, options.min_auc
        )
        for language in ("en", "ko")
    }
    body = {
        "model": options.model,
        "kind": options.kind,
        "digest": address.digest,
        "thresholds": {name: found["threshold"] for name, found in languages.items() if found["threshold"]},
        "max_false_pass": options.max_false_pass,
        "claims": len(rows),
        "failed_calls": failures,
        "languages": languages,
        "seconds": round(time.monotonic() - began),
    }
    if options.save:
        save(options.save, body)
    for language, found in languages.items():
        print(language, found["threshold"] if found["threshold"] else f"no threshold: {found['reason']}")
    if options.write is not None and body["thresholds"]:
        options.write.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
