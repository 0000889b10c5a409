"""The files of a new suite."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from septet_experiments.errors import InvalidSuite
from septet_experiments.suites import FILE, Suite, SuiteSettings

_SUITE = """\
# What a run asks, and what its gate decides. `septet eval run .` runs it.
name: {name}

# Files of cases, relative to this directory.
cases: [cases.jsonl]

# The one metric that decides. A candidate fails if it is worse, and passes if its loss is below the margin.
primary: {{metric: token_f1, margin: 0.05}}

# Further metrics that must not get worse.
secondary:
  - {{metric: abstention, margin: 0.05}}

# Metrics that are reported only.
metrics: [groundedness, citation_precision, latency_ms]

# Fields of every request. A case may override them.
request: {{policy: default}}

# Independent draws per case; more than one if the model samples.
draws: 1

# Share of samples without a value above which the gate is inconclusive.
max_errors: 0.02

# Pace beside live traffic: requests per second, requests in work, seconds until a response is due.
rate: 5
in_flight: 4
deadline: 60
"""
_CASES = """\
# One case a line, as JSON. Lines that begin with # are comments. The id must not change: runs are paired by it.
# A question with its correct answers.
{"id": "json-dumps", "question": "What does json.dumps return?", "references": ["A JSON formatted str."], "expected": "answer", "slices": {"language": "en"}}
# A Korean question. `document` groups cases about one document, which are not independent of each other.
{"id": "refund-ko", "question": "환불은 며칠 안에 신청할 수 있나요?", "references": ["14일"], "expected": "answer", "document": "refunds", "slices": {"language": "ko"}}
# A question that the documents do not answer: the system must abstain.
{"id": "unknown", "question": "Who won the chess tournament of Atlantis in 1743?", "expected": "abstain", "slices": {"language": "en"}}
"""


def write_suite(folder: Path, name: str) -> Suite:
    """Write a suite with three cases.

    Raises:
        InvalidSuite: the name is not valid, or the directory has a suite.
    """
    try:
        SuiteSettings(name=name, cases=("cases.jsonl",))
    except ValidationError as error:
        raise InvalidSuite(
            f"{name!r} is no name of a suite", "use lower-case letters, digits, _ and -"
        ) from error
    if (folder / FILE).exists():
        raise InvalidSuite(f"{folder / FILE} exists", "choose another name, or edit that suite")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(_SUITE.format(name=name), encoding="utf-8")
    (folder / "cases.jsonl").write_text(_CASES, encoding="utf-8")
    return Suite.load(folder)
