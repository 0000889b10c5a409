"""``septet ask``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_NOT_ANSWERED, EXIT_OK, CliError
from septet_cli.options import tenant_of

if TYPE_CHECKING:
    from septet_contracts import Response

    from septet_cli.target import Target

DEFAULT_TIMEOUT_S = 60.0
GRACE_S = 5.0
SEARCH_S = 15.0
EXIT_CODES = {
    "answered": EXIT_OK,
    "abstained": EXIT_NOT_ANSWERED,
    "refused": EXIT_NOT_ANSWERED,
    "blocked": EXIT_NOT_ANSWERED,
}
"""Exit code by response status; every other status is a failure."""


def exit_code(status: str) -> int:
    """Exit code of a response status."""
    return EXIT_CODES.get(status, EXIT_FAILED)


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "ask",
        help="Ask a question and show the response: answer, sources, guardrail verdicts and scores.\n\n"
        "Exit code: 0 answered; 3 abstained, refused or blocked; 1 failed, expired or cancelled.",
        epilog=examples(
            'septet ask "What does functools.lru_cache do?"',
            'septet ask "캐시는 언제 폐기되나요?" --tenant acme',
            'septet ask "Which modules parse JSON?" --json | jq .sources',
            'septet ask "Name the author" --schema author.schema.json',
            'septet ask "What is a deque?" --request-id faq-17     repeat it: the same response, no second run',
        ),
    )(ask)


def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The question, in any language.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the response as JSON.")] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Show checked sentences while the model generates the next ones \\[default: on a terminal].",
        ),
    ] = None,
    tenant: Annotated[str | None, tenant_of("request")] = None,
    conversation: Annotated[
        str | None, typer.Option(help="Conversation id: its questions are processed in order.")
    ] = None,
    request_id: Annotated[
        str | None,
        typer.Option(
            help="Idempotency key: the same id and question return the same response \\[default: a new id]."
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds until the request expires \\[default: 60].")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="File with a JSON Schema: the answer is JSON that satisfies it.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="Name of the guardrail policy \\[default: `default`].")
    ] = None,
    k: Annotated[int | None, typer.Option(min=1, max=50, help="Passages to retrieve \\[default: 5].")] = None,
    mode: Annotated[
        str | None,
        typer.Option(help="Retrieval: `hybrid`, `lexical`, `dense` or `off` \\[default: `hybrid`]."),
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Neither read nor write the cache.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Write the cache, but do not read it.")] = False,
) -> None:
    """Build the request, publish it and show the response."""
    from septet_cli.client import new_request_id
    from septet_cli.settings import CliSettings

    settings = CliSettings()
    retrieval = {name: value for name, value in (("mode", mode), ("k", k)) if value is not None}
    cache = "bypass" if no_cache else "refresh" if refresh else None
    streaming = not as_json and out.is_terminal if stream is None else stream
    body: dict[str, Any] = {
        "request_id": request_id or new_request_id(),
        "tenant": tenant or settings.tenant,
        "conversation_id": conversation,
        "question": question,
        "deadline": _deadline(timeout),
        "output_schema": _read_schema(schema),
        "policy": policy,
        "retrieval": retrieval or None,
        "cache": {"use": cache} if cache else None,
        "stream": True if streaming else None,
    }
    request = {name: value for name, value in body.items() if value is not None}
    run(_ask(request, timeout or DEFAULT_TIMEOUT_S, streaming, as_json, repeatable=request_id is not None))


async def _ask(
    request: dict[str, Any], timeout: float, streaming: bool, as_json: bool, *, repeatable: bool
) -> int:
    from septet_cli.client import connect
    from septet_cli.target import locate
    from septet_cli.tenancy import known_tenants

    _check(request)
    target = locate()
    response = await _earlier_response(target, request) if repeatable else None
    if response is None:
        tenants, tenant = known_tenants(), request["tenant"]
        async with connect(target.kafka, stream=streaming, tenants=tenants, tenant=tenant) as client:
            if streaming:
                from septet_cli.live import show_tokens

                with show_tokens() as on_token:
                    response = await client.ask(request, timeout + GRACE_S, on_token)
            else:
                response = await client.ask(request, timeout + GRACE_S)
    _show(response, request["question"], target, as_json)
    return exit_code(response.status)


async def _earlier_response(target: Target, request: dict[str, Any]) -> Response | None:
    """The earlier response to the same request id and question, or the conflict that it caused."""
    from septet_contracts import Response

    from septet_cli.history import find_responses
    from septet_cli.tenancy import known_tenants

    topic = known_tenants().address("responses", request["tenant"])
    try:
        async with asyncio.timeout(SEARCH_S):
            raw = await find_responses(target.kafka, request["request_id"], request["tenant"], topic)
    except TimeoutError as error:
        raise CliError(
            f"The responses topic could not be searched within {SEARCH_S:.0f} s.",
            "run `septet doctor`, then repeat the command",
        ) from error
    found = [Response.model_validate(r) for r in raw]
    same = [r for r in found if r.question in (request["question"], None)]
    conflicts = [r for r in found if r.error is not None and r.error.code == "conflict"]
    earlier = next(iter([r for r in same if r not in conflicts] or conflicts), None)
    if earlier is not None:
        err.print(
            f"[dim]this request id was answered at {earlier.occurred_at:%Y-%m-%d %H:%M:%S} UTC; showing that response[/]"
        )
    return earlier


def _check(request: dict[str, Any]) -> None:
    """Validate the request before it is published: a request with an unreadable id gets no response.

    Raises:
        CliError: the request breaks its contract; names the field and the fix.
    """
    from septet_contracts import ContractError, decode, topic

    try:
        decode(topic("requests"), json.dumps(request).encode())
    except ContractError as error:
        raise CliError(
            f"The request is not valid: {error}",
            error.fix or "correct the option that sets this field (`septet ask --help`)",
        ) from error


def _show(response: Response, question: str, target: Target, as_json: bool) -> None:
    if as_json:
        out.print_json(response.model_dump_json(exclude_none=True))
        return
    from septet_cli.render import response_panel, trace_page

    out.print(
        response_panel(response, page=trace_page(target.traces_url, response.trace_id), question=question)
    )


def _deadline(timeout: float | None) -> str | None:
    """The deadline of an explicit timeout. Without one, a repeated request has the same body."""
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(seconds=timeout)).isoformat() if timeout else None


def _read_schema(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        from septet_cli.console import fail

        fail(
            CliError(
                f"--schema {path} is not a JSON Schema file: {error}", "give the path of a file with JSON"
            )
        )
