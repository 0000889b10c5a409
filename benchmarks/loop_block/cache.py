"""The cache: look-up with the most candidates that it verifies, admission, and feedback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from septet_cache.application.admission import Admission
from septet_cache.application.lookup import Lookup
from septet_cache.application.revocation import Revocation
from septet_cache.domain.classifier import classifiers
from septet_cache.domain.entry import Candidate, Entry
from septet_cache.domain.paraphrase import MAX_QUESTION_CHARS
from septet_cache.domain.scope import Slot, slot_of
from septet_cache.handlers import LabelsHandler, ReleasesHandler, ScreenedHandler
from septet_cache.settings import CacheSettings
from septet_contracts import Ask, CacheInfo, Label, Message, Release, Screened, Source
from septet_kit.embedding_models import TextKind
from septet_kit.hostile import UNITS, text
from septet_kit.testing import flow

from benchmarks.loop_block.case import QUESTION, Case, of

_NOW = datetime.now(UTC)


class Vectors:
    """An embeddings endpoint without latency."""

    model = "all-MiniLM-L6-v2"

    async def embed(self, texts: Sequence[str], kind: TextKind) -> NDArray[np.float32]:
        return np.full((len(texts), 384), 0.05, dtype=np.float32)


class Entries:
    """A store without an exact hit and with the most semantic candidates."""

    def __init__(self) -> None:
        self.question = ""

    async def by_slot(self, *_: Any) -> None:
        return None

    async def near(self, *_: Any) -> list[Candidate]:
        entry = Entry(
            tenant="default",
            slot=Slot("0" * 32, "1" * 32),
            question=self.question,
            language="en",
            answer="A.",
            answer_kind="generated",
            sources=(),
            verdicts=(),
            scores=(),
            answerability=None,
            policy_version="1",
            model="m",
            prompt_version="1",
            request_id="r",
            response_event_id="e",
            created_at=_NOW,
            expires_at=_NOW + timedelta(days=1),
            embedding=None,
        )
        return [Candidate(entry, 0.95)] * 10

    async def admit(self, *_: Any) -> None:
        return None

    async def veto(self, *_: Any) -> int:
        return 0


def cases() -> Iterator[Case]:
    classifiers()
    store: Any = Entries()
    settings = CacheSettings(patience=timedelta(seconds=30))
    screened = ScreenedHandler(Lookup(store, Vectors(), settings, True))
    releases, labels = ReleasesHandler(Admission(store, settings)), LabelsHandler(Revocation(store))
    for unit in UNITS:
        store.question = text(unit, MAX_QUESTION_CHARS)
        yield of(f"near questions, {unit}", "screened", flow(Screened, question=store.question), screened)
        yield of(f"question of {QUESTION}, {unit}", "screened", _long(unit), screened)
        yield of(f"release, {unit}", "releases", release(unit), releases)
        yield of(f"label, {unit}", "labels", _label(unit), labels)


def _long(unit: str) -> Screened:
    messages = [Message(role="user", content=text(unit, 7_900))] * 8
    return flow(Screened, ask=Ask(question=text(unit, QUESTION), messages=tuple(messages)))


def release(unit: str) -> Release:
    """The largest release of an admissible answer."""
    question = text(unit, QUESTION)
    sources = [
        Source(number=n, passage_id=f"d.{n}", document_id="d", passage=text(unit, 1_200))
        for n in range(1, 51)
    ]
    slot = slot_of(Ask(question=question), "1", "en")
    return Release(
        event_id=uuid4(),
        response_event_id=uuid4(),
        request_id="r",
        occurred_at=_NOW,
        status="answered",
        question=question,
        answer_kind="generated",
        answer=text(unit, 16_000),
        sources=tuple(sources),
        admissible=True,
        language="en",
        request_digest="d",
        cache=CacheInfo(status="miss", entry_id=slot.name),
    )


def _label(unit: str) -> Label:
    return Label(
        event_id=uuid4(),
        request_id="r",
        occurred_at=_NOW,
        feedback_id="f",
        kind="thumbs",
        explicit=True,
        polarity="negative",
        weight=1,
        question=text(unit, QUESTION),
        answer=text(unit, 128_000),
        response_event_id="e",
    )
