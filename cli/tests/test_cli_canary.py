"""Canaries without a stack: the sides, the looks of the gate, and the limits."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from septet_cli.canary.groups import Comparison, Limits, Look, Side
from septet_cli.canary.session import Options, comparison_of, side_of
from septet_cli.commands.canary import app
from septet_cli.replay.logged import LoggedRequest
from septet_cli.replay.session import replay_settings
from septet_cli.shadow.window import Plan
from septet_contracts import Ask, Canary, Request, Score, Screened
from septet_kit.testing import flow
from typer.testing import CliRunner

from tests.support.responses import respond

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def canary(**fields: Any) -> Canary:
    given: dict[str, Any] = {
        "run": "r",
        "field": "model",
        "live": "default",
        "candidate": "next",
        "share": 0.1,
        "occurred_at": NOW,
        "expires_at": NOW,
    }
    return Canary(**{**given, **fields})


def logged(
    n: int, side: Side, seconds: float = 1.0, value: float | None = None, **fields: Any
) -> LoggedRequest:
    name = f"{side}-{n}"
    model = "default" if side == "live" else "next"
    event = flow(Screened, request_id=name, accepted_at=NOW, ask=Ask(question="q", model=model))
    found = {"groundedness": value, "refusal": 0.0}
    scores = tuple(Score(name=k, value=v, scorer="rules") for k, v in found.items() if v is not None)
    answer = respond(Request(request_id=name, question="q"), scores=scores, **fields)
    return LoggedRequest(answer.model_copy(update={"occurred_at": NOW + timedelta(seconds=seconds)}), event)


def comparison(plan: Plan | None = None, also: tuple[str, ...] = ()) -> Comparison:
    settings = replay_settings("groundedness", also, 0.1)
    return comparison_of(Options(canary(), timedelta(hours=1), plan or Plan(100, 20), Limits(), settings))


def fed(of: Comparison, live: float, candidate: float, count: int = 100) -> list[Look]:
    """The looks at a comparison of noisy values with these means, with three live responses for each of the candidate."""
    noise, looks = random.Random(1), []
    for n in range(count):
        for m in range(3):
            of.add("live", logged(3 * n + m, "live", value=live + noise.uniform(-0.1, 0.1)))
        look = of.add("candidate", logged(n, "candidate", value=candidate + noise.uniform(-0.1, 0.1)))
        looks += [look] if look is not None else []
    return looks


def test_the_side_follows_from_what_the_request_really_got() -> None:
    assert side_of(canary(), logged(1, "candidate")) == "candidate"
    assert side_of(canary(), logged(1, "live")) == "live"
    assert side_of(canary(candidate="other"), logged(1, "candidate")) is None
    assert side_of(canary(tenants=("acme",)), logged(1, "live")) is None
    of_policy = canary(field="policy", candidate="strict")
    assert side_of(of_policy, logged(1, "candidate")) == "live"


def test_a_worse_candidate_fails_at_an_early_look() -> None:
    looks = fed(comparison(), live=0.8, candidate=0.4)
    assert (looks[0].candidates, looks[0].lives, looks[0].verdict) == (20, 60, "FAIL")
    assert "groundedness" in looks[0].reason


def test_an_equal_candidate_passes_and_never_fails() -> None:
    of = comparison()
    looks = fed(of, live=0.8, candidate=0.8)
    assert [look.candidates for look in looks] == [20, 40, 60, 80, 100]
    assert "FAIL" not in {look.verdict for look in looks}
    assert looks[-1].verdict == "PASS"
    assert of.is_full


def test_a_candidate_that_abstains_more_fails() -> None:
    of, looks = comparison(also=("abstention",)), []
    for n in range(100):
        of.add("live", logged(n, "live", value=0.8))
        status = "abstained" if n % 2 else "answered"
        look = of.add("candidate", logged(n, "candidate", value=None if n % 2 else 0.8, status=status))
        looks += [look] if look is not None else []
    assert looks[0].verdict == "FAIL"
    assert "abstention" in looks[0].reason


def test_failures_of_the_candidate_end_it_at_once() -> None:
    of = comparison()
    for n in range(30):
        of.add("live", logged(n, "live", value=0.8))
    looks = [of.add("candidate", logged(n, "candidate", status="failed")) for n in range(20)]
    assert looks[:19] == [None] * 19
    assert looks[19] is not None
    assert looks[19].verdict == "FAIL"
    assert "100.0% of the candidate's requests failed" in looks[19].reason


def test_a_slow_candidate_is_ended() -> None:
    of = comparison(Plan(400, 200))
    for n in range(100):
        of.add("live", logged(n, "live", value=0.8, seconds=1))
    looks = [of.add("candidate", logged(n, "candidate", value=0.8, seconds=3)) for n in range(100)]
    assert looks[-1] is not None
    assert "p99 latency is 3.0 s" in looks[-1].reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--with", "prompt=x"), "model alias or the policy"),
        (("--with", "model=default"), "another alias"),
        (("--with", "model=next", "--cases", "10000", "--look", "10"), "less than a hundredth"),
    ],
)
def test_wrong_options_are_refused_with_a_fix(options: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(app, ["start", *options])
    assert result.exit_code == 3
    assert message in result.output.replace("\n", " ")
