"""One run of ``septet calibrate``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from septet_kit.calibration import Calibration
from septet_kit.embeddings_client import Embedder, prefixes_of
from septet_kit.settings import KitSettings
from septet_retrieval.settings import RetrievalSettings

from septet_cli.calibration.data import description_of, description_of_pairs, load_pairs, load_questions
from septet_cli.calibration.parts import Fitted, fit_answerability_part, fit_cache_part, fit_relevance_part
from septet_cli.calibration.vectors import Endpoint, StoredVectors
from septet_cli.console import progress
from septet_cli.errors import CliError

if TYPE_CHECKING:
    from septet_cache.domain.fit_classifier import Pair

    from septet_cli.bench.datasets import DataSet

NO_QUESTIONS, NO_PAIRS = "no --questions were given", "no --pairs were given"
WIDTH = 28


@dataclass(frozen=True)
class Options:
    """The data of a calibration, and limits.

    Attributes:
        questions: folder of a labelled data set.
        pairs: file of question pairs.
        limit: largest number of questions, and of pairs.
        false_hits: share of the different pairs that the cache may serve in the fitted half.
    """

    questions: Path | None
    pairs: Path | None
    limit: int | None = None
    false_hits: float = 0.012


@dataclass(frozen=True)
class Result:
    """A calibration; ``refused`` if a part is missing although there is data for it."""

    calibration: Calibration
    refused: bool


def endpoint_settings(**given: Any) -> KitSettings:
    """Settings of the embeddings endpoint: the options, else the environment, else the stack of the data folder."""
    from septet_native.stack.state import find_state

    from septet_cli.settings import CliSettings

    names = {"embeddings_url": "SEPTET_EMBEDDINGS_URL", "embeddings_model": "SEPTET_EMBEDDINGS_MODEL"}
    chosen = {name: value for name, value in given.items() if value is not None}
    if "embeddings_url" not in chosen and names["embeddings_url"] not in os.environ:
        state = find_state(CliSettings().data_dir)
        stack = state.addresses.environment() if state else {}
        found = {name: stack[variable] for name, variable in names.items() if variable in stack}
        chosen = {**found, **chosen}
    return KitSettings(**chosen)


async def calibrate(options: Options, settings: KitSettings, endpoint: Endpoint | None = None) -> Result:
    """Fit all parts for which there is data.

    Args:
        options: the data.
        settings: those of the endpoint and its prefixes, and the data folder.
        endpoint: the client; by default that of the settings.

    Raises:
        CliError: no part could be fitted, or the data is malformed.
    """
    # Read before the first text is embedded: a malformed file fails at once.
    data = load_questions(options.questions, options.limit) if options.questions else None
    pairs = load_pairs(options.pairs, options.limit) if options.pairs else None
    prefixes = prefixes_of(settings)
    identity = "\x1f".join([settings.embeddings_url, settings.embeddings_model, *map(str, prefixes.items())])
    file = settings.data_dir / "calibration" / "vectors.sqlite"
    client = None if endpoint else Embedder(settings)
    try:
        with _bars() as (embedded, searched):
            chosen = endpoint or client
            assert chosen is not None
            with StoredVectors(chosen, file, identity, embedded) as vectors:
                fitted = await _fit(options, data, pairs, vectors, searched)
    finally:
        if client is not None:
            await client.close()
    if not fitted.parts:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in fitted.uncalibrated.items())
        raise CliError(f"Nothing was calibrated. {reasons}", "add labelled examples")
    calibration = Calibration(
        embeddings_model=settings.embeddings_model,
        prefixes=prefixes,
        data={
            **({"questions": description_of(data)} if data else {}),
            **({"pairs": description_of_pairs(options.pairs, pairs)} if options.pairs and pairs else {}),
        },
        parts=fitted.parts,
        uncalibrated=fitted.uncalibrated,
    )
    return Result(calibration, fitted.refused)


def write(calibration: Calibration, file: Path) -> None:
    """Write the file that the services read."""
    file.write_text(calibration.model_dump_json(indent=1) + "\n", encoding="utf-8")


async def _fit(
    options: Options, data: DataSet | None, pairs: list[Pair] | None, vectors: StoredVectors, searched: Any
) -> Fitted:
    fitted = Fitted()
    retrieval = RetrievalSettings()
    if data is None:
        fitted.uncalibrated |= {"answerability": NO_QUESTIONS, "answer_relevance": NO_QUESTIONS}
    else:
        await fit_answerability_part(data, vectors, retrieval, fitted, searched)
        await fit_relevance_part(data, vectors, retrieval.is_multilingual(vectors.multilingual), fitted)
    if pairs is None:
        fitted.uncalibrated["cache"] = NO_PAIRS
    else:
        await fit_cache_part(pairs, vectors, options.false_hits, fitted)
    return fitted


@contextmanager
def _bars() -> Iterator[tuple[Any, Any]]:
    """Progress of embedded texts and of searched questions."""
    with progress(WIDTH) as bar:
        tasks = [bar.add_task(name, total=None) for name in ("texts embedded", "questions searched")]

        def embedded(done: int, total: int) -> None:
            bar.update(tasks[0], completed=done, total=total)

        def searched(done: int, total: int) -> None:
            bar.update(tasks[1], completed=done, total=total)

        yield embedded, searched
