"""The one wiring point of judge."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

from septet_experiments.judges import CardFolder, ChatEndpoint, ModelIdentity, SelfJudge, check_not_generator
from septet_kit import Kit, KitSettings, Permanent, ServiceSpec, Stage, Wiring
from septet_kit.store import Ledger

from septet_judge import migrations, telemetry
from septet_judge.adapters.postgres import SCHEMA, PostgresBudget
from septet_judge.application.judging import ResponseJudge
from septet_judge.domain.breaker import Breaker
from septet_judge.domain.evaluation import CalibratedProtocol
from septet_judge.domain.selection import Selection
from septet_judge.handlers import ResponsesHandler
from septet_judge.housekeeping import watch_budget
from septet_judge.settings import JudgeSettings

SPEC = ServiceSpec(
    "judge",
    consumes=("responses",),
    produces=("evaluations",),
    outbox=("evaluations",),
    about="Judges a sample of responses with a language model, outside the path of requests.",
)

_MARGIN = timedelta(seconds=30)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Wire the service.

    A response that cannot be judged is skipped. Only an outage of the database is retried, without a limit, so that no
    paid judgment is lost.
    """
    settings = JudgeSettings()
    settings.check_complete()
    refuse_generator(settings, kit.settings)
    async with (
        kit.open_pool(SCHEMA, migrations.HEAD) as pool,
        aclosing(open_endpoint(settings)) as endpoint,
    ):
        budget = PostgresBudget(pool, settings.limits)
        breaker = Breaker(
            settings.breaker_failures,
            settings.breaker_pause.total_seconds(),
            settings.breaker_longest.total_seconds(),
            time.monotonic,
        )
        judge = ResponseJudge(
            calibrated(settings), endpoint, settings.endpoint, budget, breaker, settings.response_timeout
        )
        handler = ResponsesHandler(
            Selection(settings.sampling, settings.model, settings.allow_self),
            judge,
            Ledger(pool, kit.instance),
            pool,
            settings.evaluator,
            settings.max_age,
        )
        longest = settings.response_timeout + _MARGIN
        yield Wiring(
            stages=[Stage("responses", handler, longest, settings.concurrency, attempts=None)],
            background=[lambda: watch_budget(budget)],
        )


def open_endpoint(settings: JudgeSettings) -> ChatEndpoint:
    """The client of the judge's model. Its errors, which are logged and recorded on spans, quote no text."""
    return ChatEndpoint(settings.endpoint, telemetry.trace_headers, quotes_errors=False)


def calibrated(settings: JudgeSettings) -> list[CalibratedProtocol]:
    """The protocols with their calibration cards."""
    cards = CardFolder(settings.cards) if settings.cards is not None else None
    protocols = [settings.section.protocol(name, settings.weighting) for name in settings.protocols]
    return [CalibratedProtocol(p, cards.find(p.signature) if cards else None) for p in protocols]


def refuse_generator(settings: JudgeSettings, kit: KitSettings) -> None:
    """Check that the judge is not the model that generation calls by this process's settings.

    Raises:
        Permanent: it is (code ``judge_is_generator``).
    """
    judge = ModelIdentity(settings.model, settings.url, settings.model_digest)
    try:
        check_not_generator(judge, ModelIdentity(kit.llm_model, kit.llm_url), allowed=settings.allow_self)
    except SelfJudge as error:
        raise Permanent(
            "judge_is_generator",
            str(error),
            field="SEPTET_JUDGE_MODEL",
            fix="use another model, or set SEPTET_JUDGE_ALLOW_SELF=true",
        ) from error
