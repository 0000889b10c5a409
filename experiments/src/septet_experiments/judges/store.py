"""Recorded replies of judges: ``judgments.jsonl``, one line per call.

A suite with recorded replies runs without a model. A line holds the digest of its call and not the call, because the
judged texts lie in the run's folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from septet_experiments.errors import ExperimentError
from septet_experiments.judges.calls import ChatCall, Reply, Usage
from septet_experiments.judges.errors import JudgeRejected, JudgeUnavailable, MissingJudgment

FILE = "judgments.jsonl"


class Replies(Protocol):
    """Where replies come from: an endpoint, or a store."""

    async def reply(self, call: ChatCall) -> Reply: ...


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True)

    digest: str
    model: str
    prompt: str
    draw: int = 0
    reply: Reply


class JudgmentStore:
    """The recorded replies of a directory. A reply is appended and flushed at once; a half-written last line is dropped."""

    def __init__(self, directory: Path, command: str = "septet eval run SUITE --record DIR") -> None:
        self._path = directory / FILE
        self._command = command
        self._replies: dict[str, Reply] = {}
        self._complete = 0
        self._read()

    def __len__(self) -> int:
        return len(self._replies)

    def __contains__(self, call: ChatCall) -> bool:
        return call.digest in self._replies

    def get(self, call: ChatCall) -> Reply:
        """The recorded reply.

        Raises:
            MissingJudgment: there is none.
        """
        try:
            return self._replies[call.digest]
        except KeyError:
            raise MissingJudgment(
                f"no recorded reply to {call.prompt} of {call.model} (digest {call.digest[:12]})",
                f"record it: {self._command}",
            ) from None

    async def reply(self, call: ChatCall) -> Reply:
        """As :meth:`get`."""
        return self.get(call)

    def add(self, call: ChatCall, reply: Reply) -> None:
        """Append a reply."""
        line = _Line(digest=call.digest, model=call.model, prompt=call.prompt, draw=call.draw, reply=reply)
        data = (line.model_dump_json(exclude_defaults=True) + "\n").encode()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("r+b" if self._path.exists() else "wb") as file:
            file.truncate(self._complete)
            file.seek(self._complete)
            file.write(data)
        self._complete += len(data)
        self._replies[call.digest] = reply

    def _read(self) -> None:
        if not self._path.exists():
            return
        for number, data in enumerate(self._path.read_bytes().splitlines(keepends=True), 1):
            if not data.endswith(b"\n"):
                break
            try:
                line = _Line.model_validate_json(data)
            except ValidationError as error:
                raise ExperimentError(
                    f"{self._path}, line {number}, is not a recorded reply: {error.errors()[0]['msg']}"
                ) from error
            self._replies[line.digest] = line.reply
            self._complete += len(data)


class RecordReport(BaseModel):
    """What :func:`record` did. ``failed`` counts calls by the reason of their failure."""

    asked: int = 0
    recorded: int = 0
    failed: dict[str, int] = {}
    usage: Usage = Usage()


async def record(
    calls: Iterable[ChatCall],
    source: Replies,
    store: JudgmentStore,
    in_flight: int = 4,
    progress: Callable[[], None] = lambda: None,
) -> RecordReport:
    """Ask for each reply that the store does not have.

    A call that fails stays without a reply, which replay then counts as missing.
    """
    missing = list({call.digest: call for call in calls if call not in store}.values())
    report = RecordReport(asked=len(missing))
    queue = iter(missing)

    async def work() -> None:
        for call in queue:
            try:
                reply = await source.reply(call)
            except (JudgeUnavailable, JudgeRejected) as error:
                report.failed[str(error)] = report.failed.get(str(error), 0) + 1
            else:
                store.add(call, reply)
                report.recorded += 1
                report.usage += reply.usage
            progress()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(in_flight, len(missing))):
            group.create_task(work())
    return report
