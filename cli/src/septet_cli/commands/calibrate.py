"""``septet calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_OK, CliError

EXIT_REFUSED = 3


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "calibrate",
        help="Fit answerability, answer_relevance and the cache's second opinion to an embedding model.\n\n"
        "--questions is a data set in a format of `septet bench rag`, --pairs a JSONL file with text_a, text_b and "
        "same. A part without data stays uncalibrated. The figures are of examples that were not fitted. Vectors are "
        "stored in the data folder: a run that was interrupted resumes. Exit code 3: a part had too few examples.",
        epilog=examples(
            "septet calibrate --questions my-set --pairs pairs.jsonl",
            "septet calibrate --questions my-set --embeddings-url http://host:8080/v1 --embeddings-model bge-m3",
            "SEPTET_CALIBRATION_FILE=calibration.json septet up",
        ),
    )(calibrate)


def calibrate(
    questions: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Corpus, questions, relevant documents and answers.")
    ] = None,
    pairs: Annotated[Path | None, typer.Option(metavar="FILE", help="Labelled question pairs.")] = None,
    output: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")] = Path("calibration.json"),
    embeddings_url: Annotated[
        str | None,
        typer.Option(help="Embeddings endpoint \\[default: SEPTET_EMBEDDINGS_URL, else the running stack]."),
    ] = None,
    embeddings_model: Annotated[
        str | None, typer.Option(help="Its model \\[default: SEPTET_EMBEDDINGS_MODEL, else of the stack].")
    ] = None,
    query_prefix: Annotated[
        str | None, typer.Option(help="Text before a question \\[default: of the known model, else none].")
    ] = None,
    passage_prefix: Annotated[str | None, typer.Option(help="The same before a passage.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Number of questions and of pairs \\[default: all].")
    ] = None,
    false_hits: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the different pairs that the cache may serve.")
    ] = 0.012,
    as_json: Annotated[bool, typer.Option("--json", help="Print the file's content as JSON.")] = False,
) -> None:
    """Fit, print the figures and write the file."""
    given = {
        "embeddings_url": embeddings_url,
        "embeddings_model": embeddings_model,
        "embeddings_question_prefix": query_prefix,
        "embeddings_passage_prefix": passage_prefix,
    }
    run(_calibrate(questions, pairs, output, limit, false_hits, given, as_json=as_json))


async def _calibrate(
    questions: Path | None,
    pairs: Path | None,
    output: Path,
    limit: int | None,
    false_hits: float,
    given: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    from septet_cli.calibration.screen import lines_of
    from septet_cli.calibration.session import Options, calibrate, endpoint_settings, write

    if questions is None and pairs is None:
        raise CliError("There is no data.", "name a folder with --questions or a file with --pairs, or both")
    result = await calibrate(Options(questions, pairs, limit, false_hits), endpoint_settings(**given))
    write(result.calibration, output)
    if as_json:
        out.print_json(result.calibration.model_dump_json())
    else:
        for line in lines_of(result.calibration):
            out.print(line, markup=False, soft_wrap=True)
    err.print(f"wrote {output}; set SEPTET_CALIBRATION_FILE to it", markup=False, soft_wrap=True)
    return EXIT_REFUSED if result.refused else EXIT_OK
