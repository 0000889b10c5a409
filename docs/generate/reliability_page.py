"""Writes docs/reliability.md from tests/chaos/results/*.json: ``python docs/generate/reliability_page.py``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# Before the packages: one of them installs a package that is called tests, too.
sys.path.insert(0, str(ROOT))

from tests.chaos.proofs import PROOFS  # noqa: E402
from tests.chaos.report import WHOLE, Report, read  # noqa: E402
from tests.chaos.suite import ROWS  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "tests" / "chaos" / "results"
Kept = Mapping[str, Any]

HEAD = """# Reliability

This page shows what happens to requests when processes die, hang or freeze, and when servers and networks fail.
[Exactly one response](explanation/delivery.md) explains why the guarantee holds.
`python docs/generate/reliability_page.py` writes this page from the [results](../tests/chaos/results) of
`make chaos SEED=n`; do not edit it.

An independent client, which shares no code with the product's client, publishes requests and records which of them the
broker acknowledged. Afterwards a checker reads the topics from their first offset. A row fails on any of these:

- **lost**: an acknowledged request without a response;
- **duplicated**: more than one response on the topic;
- a response of another tenant, without a final status, or to no request;
- responses out of their conversation's order, where all its requests take one path (row 12, where most requests run out
  of time, counts responses that a deadline made separately);
- an event id twice on a topic with an outbox;
- a topic and a database that disagree.
"""

WHOLE_RUNS = """## Complete runs

The last line of `make chaos SEED=n` from runs of every row and every proof, one after the other. The name has seed, commit
and day. The rows in the tables above ran separately.
"""

LIMITS = """## What this does not prove

- **One broker in most rows.** `acks=all` waits for that one. Only row 4 has three brokers. It loses the leader three times,
  and waits each time until the replicas are in sync.
- **Crashes of processes, not of power.** After `kill -9` the kernel still writes its buffers. Kafka does not wait for the
  disk before it acknowledges, so an outage of the machine can lose acknowledged records. Replication over several
  machines prevents that, and one machine cannot show it.
- **Several commits.** Each row names the commit that it ran on. The rows of the tables ran one by one, partly two at a time.
- **One machine.** Clocks agree, and the network is loopback. A proxy makes its faults.
- **Short paths.** All rows except 10 and 11 send requests without search and cache, under a policy without rails. So the
  load is on the hops and on the code that makes their effects happen once.
- **A stub model.** It answers at once, or fails or hangs on command. The rows say nothing about the quality of answers.
- **Absence of faults.** The scenarios are random within a seed, and timing is not part of the seed: the same seed repeats
  the choices, not the interleaving. Other faults may exist.

## Run it

```sh
make chaos SEED=1             # every row and the proofs
make chaos SEED=1 ROWS=3,4    # some rows; the file keeps the results of the others
make chaos-short              # the small part that continuous integration runs
```

Each result names the command that repeats it, the commit and the machine.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(reports()), "utf-8")
    print(f"wrote {PAGE}")


def reports(folder: Path = RESULTS) -> list[Report]:
    """The committed results by seed; only whole rows are evidence."""
    found = [read(path) for path in sorted(folder.glob("*.json"))]
    return sorted((r for r in found if r.form == WHOLE), key=lambda r: r.seed)


def page(found: Sequence[Report]) -> str:
    """The page's text."""
    parts = [
        HEAD,
        *_summary(found),
        *_table(found),
        *_figures(found),
        *_proofs(found),
        *_whole(),
        *_machines(found),
        LIMITS,
    ]
    return "\n".join(parts)


def _current(report: Report) -> dict[int, Kept]:
    """Its rows that say today what they said when they ran."""
    return {
        number: kept
        for number, kept in report.rows.items()
        if number in ROWS and (kept["load"], kept["expected"]) == (ROWS[number].load, ROWS[number].expected)
    }


def _summary(found: Sequence[Report]) -> Iterator[str]:
    kept = [row for report in found for row in _current(report).values()]
    missing = [n for n in ROWS if not any(n in _current(report) for report in found)]
    if kept:
        seeds = ", ".join(str(report.seed) for report in found)
        yield (
            f"**So far**, with {_count(len(found), 'seed')} ({seeds}): {_count(len(kept), 'row')} in whole form, "
            f"{sum(r['passed'] for r in kept)} passed; {sum(r['sent'] for r in kept):,} requests, "
            f"{sum(r['lost'] for r in kept)} lost, {sum(r['duplicated'] for r in kept)} duplicated; "
            f"{sum(r['seconds'] for r in kept) / 60:.0f} minutes."
        )
    if missing:
        yield f"\n**Not run in whole form**: {_count(len(missing), 'row')} ({', '.join(map(str, missing))})."
    yield ""


def _table(found: Sequence[Report]) -> Iterator[str]:
    seeds = [f"seed {report.seed}" for report in found]
    yield "## Rows\n"
    yield _line("#", "load × fault", "expected, beside 0 lost and 0 duplicated", *seeds)
    yield _line("---:", "---", "---", *("---" for _ in seeds))
    for number, row in ROWS.items():
        yield _line(number, row.load, row.expected, *(_cell(_current(r).get(number)) for r in found))
    yield ""


def _cell(kept: Kept | None) -> str:
    if kept is None:
        return "not run"
    state = "passed" if kept["passed"] else "**failed**: " + "; ".join(kept["broken"])
    return f"{state}; {kept['sent']:,} requests, {kept['lost']} lost, {kept['duplicated']} duplicated"


def _figures(found: Sequence[Report]) -> Iterator[str]:
    lines = [
        _line(n, report.seed, _words(kept["figures"]), f"{kept['seconds']:,.0f}", *_origin(kept))
        for n in ROWS
        for report in found
        if (kept := _current(report).get(n)) is not None
    ]
    if lines:
        yield "## Figures\n"
        yield "`s` is the time of the whole row, with the start of the servers; a `+` marks a commit with uncommitted changes.\n"
        yield _line("#", "seed", "figures", "s", "commit", "day")
        yield _line("---:", "---:", "---", "---:", "---", "---")
        yield from lines
        yield ""


def _proofs(found: Sequence[Report]) -> Iterator[str]:
    yield "## The checker can fail\n"
    yield (
        "Each scenario here runs twice: with the product as it is, and with one safeguard removed in the services'\n"
        "processes ([how](../tests/chaos/weakened.py); the product has no switch for it). The checker must report nothing\n"
        "in the first run and a violation in the second.\n"
    )
    yield _line(
        "without", "scenario", "seed", "violations as it is", "violations without", "", "commit", "day"
    )
    yield _line("---", "---", "---:", "---", "---", "---", "---", "---")
    for proof in PROOFS.values():
        kept = [(r.seed, _proof(r, proof.name)) for r in found]
        for seed, each in kept:
            if each is not None:
                state = "passed" if each["passed"] else "**failed**: " + "; ".join(each["broken"])
                runs = (_words(each[k].get("violations", {})) or "none" for k in ("intact", "weakened"))
                yield _line(each["without"], each["scenario"], seed, *runs, state, *_origin(each))
        if not any(each for _, each in kept):
            yield _line(proof.without, proof.scenario, "", "", "", "not run", "", "")
    yield ""


def _proof(report: Report, name: str) -> Kept | None:
    """A proof's result, if the proof says today what it said when it ran."""
    kept, proof = report.proofs.get(name), PROOFS[name]
    same = kept is not None and (kept["without"], kept["scenario"]) == (proof.without, proof.scenario)
    return kept if same else None


def _origin(kept: Kept) -> tuple[str, str]:
    """Commit and day of a run."""
    return kept["run"]["commit"], kept["run"]["at"][:10]


def _whole(folder: Path = RESULTS) -> Iterator[str]:
    """Runs of everything in one go, of which the console output is kept."""
    if logs := sorted(folder.glob("*.log")):
        yield WHOLE_RUNS
        for log in logs:
            last = log.read_text("utf-8").splitlines()[-1]
            yield f"- [{log.stem}](../tests/chaos/results/{log.name}): `{last}`"
        yield ""


def _machines(found: Sequence[Report]) -> Iterator[str]:
    runs = [
        kept["run"]["machine"]
        for report in found
        for kept in (*_current(report).values(), *report.proofs.values())
    ]
    texts = dict.fromkeys(json.dumps(machine) for machine in runs)
    if texts:
        yield "## Machine\n"
        for text in texts:
            m = json.loads(text)
            yield (
                f"- {m['cores']} cores ({m['processor']}) and {m['memory_gib']} GiB for everything: the {m['stack']} stack "
                f"(where a row says OpenSearch, the native one) with Kafka {m['kafka']}, PostgreSQL {m['postgresql']}, the services on Python {m['python']}, "
                "the stub model and the client."
            )
        yield ""


def _words(figures: Kept) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in figures.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "(" + (", ".join(f"{k} {_value(v)}" for k, v in value.items()) or "none") + ")"
    return f"{value:,}" if type(value) is int else str(value)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _line(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()
