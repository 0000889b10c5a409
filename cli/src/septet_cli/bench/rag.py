"""``septet bench rag``: ingests a data set, asks its questions over Kafka and computes the figures."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from septet_client.ports import Log
from septet_contracts import Response
from septet_experiments.cases import Case, digest_of
from septet_experiments.runs import RunFolder, RunInfo
from septet_experiments.suites import SuiteSettings
from septet_kit.messaging.connection import Kafka
from septet_kit.tenants import SHARED_ONLY
from septet_native.services import SERVICES
from septet_native.stack.settings import StackSettings

from septet_cli.bench.datasets import DataSet, load_dataset
from septet_cli.bench.report import Answered, answer_figures, latency_figures, retrieval_figures, table
from septet_cli.console import err, out, progress
from septet_cli.embedded import running
from septet_cli.errors import EXIT_OK, CliError, NoResponse
from septet_cli.evaluation.pace import Pace
from septet_cli.evaluation.run import Runner, draws_of
from septet_cli.ingest.document import PART, Document, parts
from septet_cli.ingest.publish import publish_documents, upsert
from septet_cli.log import open_log

MODES = {"bm25": "lexical", "dense": "dense", "hybrid": "hybrid"}
DEADLINE = timedelta(hours=1)
RUN = "bench"
RANKED_DOCUMENTS, MAX_PASSAGES = 10, 50


@dataclass(frozen=True)
class BenchOptions:
    """Options of a benchmark run.

    Attributes:
        folder: folder of the data set.
        limit: number of questions; None asks all.
        retrieval_only: skip generation.
        data_dir: data directory of the stack; None for a temporary folder.
        retrieval_in_flight: concurrent requests when only retrieval is measured.
        answers_in_flight: concurrent requests when answers are measured.
    """

    folder: Path
    limit: int | None = None
    retrieval_only: bool = False
    data_dir: Path | None = None
    retrieval_in_flight: int = 24
    answers_in_flight: int = 2


async def run_bench(options: BenchOptions, *, as_json: bool) -> int:
    """Start a stack, run the benchmark and print the figures."""
    data = load_dataset(options.folder, options.limit)
    began = time.monotonic()
    with _data_dir(options.data_dir) as data_dir:
        settings = _stack_settings(options, data_dir)
        services = [s for s in SERVICES if not (options.retrieval_only and s in ("generation", "feedback"))]
        err.print("[dim]starting the stack …[/]")
        async with running(settings, services, _print_unusual) as stack:
            assert stack.addresses is not None
            figures = await _measure(stack.addresses.connection(), data, options)
    figures["seconds"] = round(time.monotonic() - began, 1)
    if as_json:
        out.print_json(data=figures)
    else:
        out.print(table(figures))
    return EXIT_OK


def _stack_settings(options: BenchOptions, data_dir: Path) -> StackSettings:
    # Free ports, so that another stack can run at the same time.
    settings = StackSettings(
        data_dir=data_dir,
        kafka_port=0,
        kafka_controller_port=0,
        postgres_port=0,
        embeddings_port=0,
        llm_port=0,
        traces_port=0,
    )
    return settings.model_copy(update={"llm": False}) if options.retrieval_only else settings


async def _measure(kafka: Kafka, data: DataSet, options: BenchOptions) -> dict[str, Any]:
    renamed = {f"doc-{i}": document for i, document in enumerate(data.documents)}
    names = {name: document.document_id for name, document in renamed.items()}
    passages = await _ingest(kafka, renamed)
    k = _depth(passages)
    figures: dict[str, Any] = {
        "dataset": data.name,
        "documents": len(data.documents),
        "passages": sum(passages.values()),
        "questions": len(data.questions),
        "k": k,
        "retrieval": {},
    }
    async with open_log(kafka) as log:
        pairs: Answered = []
        for name, mode in MODES.items():
            # The policy `observe` blocks no question, so that every question is searched.
            fields = {"retrieval": {"mode": mode, "k": k}, "generate": False, "policy": "observe"}
            pairs = await _ask_all(log, data, fields, options.retrieval_in_flight, f"{name} ranking")
            pairs = [(case, _with_dataset_ids(response, names)) for case, response in pairs]
            figures["retrieval"][name] = retrieval_figures(pairs)
        if not options.retrieval_only:
            pairs = await _ask_all(log, data, {}, options.answers_in_flight, "answering")
            pairs = [(case, _with_dataset_ids(response, names)) for case, response in pairs]
            figures["answers"] = answer_figures(pairs)
        figures["latency_ms"] = latency_figures(response for _, response in pairs)
    return figures


async def _ingest(kafka: Kafka, renamed: Mapping[str, Document]) -> dict[str, int]:
    events = [
        upsert(part)
        for name, document in renamed.items()
        for part in parts(replace(document, document_id=name))
    ]
    report = await publish_documents(kafka, events, "default", stall=180)
    if not report.complete:
        raise CliError("Some documents were not indexed.", report.summary())
    passages: dict[str, int] = {}
    for part, count in report.passages.items():
        name = part.partition(PART)[0]
        passages[name] = passages.get(name, 0) + count
    return passages


def _depth(passages: Mapping[str, int]) -> int:
    """Number of passages that includes ten different documents, within the limit of the contract."""
    longest = sorted(passages.values(), reverse=True)[: RANKED_DOCUMENTS - 1]
    return max(RANKED_DOCUMENTS, min(MAX_PASSAGES, sum(longest) + 1))


async def _ask_all(
    log: Log, data: DataSet, fields: Mapping[str, Any], in_flight: int, title: str
) -> list[tuple[Case, Response]]:
    """Run the questions as an evaluation run whose folder is not kept."""
    cases = [question.case() for question in data.questions]
    settings = SuiteSettings(name=RUN, cases=("questions",), request=dict(fields), in_flight=in_flight)
    info = RunInfo(
        id=f"{RUN}-{uuid4().hex[:10]}",
        suite=RUN,
        suite_digest=settings.digest,
        dataset_digest=digest_of(cases),
        started_at=datetime.now(UTC),
        cases=len(cases),
    )
    pace = Pace(rate=None, in_flight=in_flight, deadline=DEADLINE.total_seconds())
    with tempfile.TemporaryDirectory(prefix="septet-bench-run-") as name, progress() as bar:
        folder, task = RunFolder(Path(name)), bar.add_task(title, total=len(cases))
        runner = Runner(log, folder, info, pace, SHARED_ONLY)
        await runner.run(list(draws_of(info, settings, cases)), lambda _: bar.advance(task))
        responses = {sample.case_id: sample.response for sample in folder.samples()}
    missing = sum(response is None for response in responses.values())
    if missing:
        raise NoResponse(
            f"{missing} questions got no response.", "see the logs of the services, and `septet doctor`"
        )
    return [(case, response) for case in cases if (response := responses[case.id]) is not None]


def _with_dataset_ids(response: Response, names: Mapping[str, str]) -> Response:
    """The response with the document ids of the data set. Documents of others are left out."""
    found = ((source, names.get(source.document_id.partition(PART)[0])) for source in response.sources)
    sources = tuple(s.model_copy(update={"document_id": name}) for s, name in found if name is not None)
    return response.model_copy(update={"sources": sources})


@contextmanager
def _data_dir(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="septet-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # If root starts PostgreSQL, it runs as another user, which must reach its own directory.
        folder.chmod(0o711)
        yield folder


def _print_unusual(name: str, state: str) -> None:
    if state not in ("preparing", "starting", "ready", "creating"):
        err.print(f"[dim]{name}: {state}[/]")
