"""``septet ask``."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from septet_cli.console import err, examples, out, run
from septet_cli.errors import EXIT_FAILED, EXIT_NOT_ANSWERED, EXIT_OK, CliError

if TYPE_CHECKING:
    from septet_contracts import Response

    from septet_cli.running import Target

DEFAULT_TIMEOUT_S = 60.0
GRACE_S = 5.0
SEARCH_S = 15.0
EXIT_CODES = {
    "answered": EXIT_OK,
    "abstained": EXIT_NOT_ANSWERED,
    "refused": EXIT_NOT_ANSWERED,
    "blocked": EXIT_NOT_ANSWERED,
}
"""By status; any other one, known or not, counts as a failure."""


def exit_code(status: str) -> int:
    """Exit code of a response."""
    return EXIT_CODES.get(status, EXIT_FAILED)


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "ask",
        help="Ask a question over Kafka and show the one response.\n\n"
        "Exit code: 0 answered; 3 abstained, refused or blocked; 1 failed or expired.",
        epilog=examples(
            'septet ask "What does functools.lru_cache do?"',
            'septet ask "캐시는 언제 폐기되나요?" --tenant acme',
            'septet ask "Which modules parse JSON?" --json | jq .sources',
            'septet ask "Name the author" --schema author.schema.json',
            'septet ask "…" --request-id order-17        safe to repeat: answered once',
        ),
    )(ask)


def ask(
    question: Annotated[str, typer.Argument(help="The question, in any language.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the response as JSON.")] = False,
    stream: Annotated[
        bool | None,
        typer.Option("--stream/--no-stream", help="Show text as it is written (default: on a terminal)."),
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="On whose behalf (default: SEPTET_TENANT or `default`).")
    ] = None,
    conversation: Annotated[str | None, typer.Option(help="Conversation whose order is kept.")] = None,
    request_id: Annotated[
        str | None, typer.Option(help="Idempotency key: repeating it gives the same response.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds until the request expires \\[default: 60].")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="JSON Schema file that the answer must satisfy.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Guardrail policy.")] = None,
    k: Annotated[int | None, typer.Option(min=1, max=50, help="Passages to retrieve \\[default: 5].")] = None,
    mode: Annotated[str | None, typer.Option(help="Retrieval: hybrid, lexical, dense or off.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Neither read nor fill the cache.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Do not read the cache, but fill it.")] = False,
) -> None:
    """Build the request and run it."""
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
    run(_ask(request, timeout or DEFAULT_TIMEOUT_S, streaming, as_json, known=request_id is not None))


async def _ask(
    request: dict[str, Any], timeout: float, streaming: bool, as_json: bool, *, known: bool
) -> int:
    from septet_cli.client import connect
    from septet_cli.running import locate
    from septet_cli.tenancy import known_tenants

    _check(request)
    target = locate()
    response = await _given_before(target, request) if known else None
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


async def _given_before(target: Target, request: dict[str, Any]) -> Response | None:
    """The response this request id got, when it was for this question."""
    from septet_contracts import Response

    from septet_cli.history import find_responses
    from septet_cli.tenancy import known_tenants

    topic = known_tenants().address("responses", request["tenant"])
    try:
        async with asyncio.timeout(SEARCH_S):
            raw = await find_responses(target.kafka, request["request_id"], request["tenant"], topic)
    except TimeoutError as error:
        raise CliError(
            f"The log could not be read within {SEARCH_S:.0f} s.", "see `septet doctor`, then ask again"
        ) from error
    found = [Response.model_validate(r) for r in raw]
    same = [r for r in found if r.question in (request["question"], None)]
    refused = [r for r in found if r.error is not None and r.error.code == "conflict"]
    given = next(iter([r for r in same if r not in refused] or refused), None)
    if given is not None:
        err.print(
            f"[dim]answered before, at {given.occurred_at:%Y-%m-%d %H:%M:%S} UTC: this is that response[/]"
        )
    return given


def _check(request: dict[str, Any]) -> None:
    """Refuse here what the contract refuses: a response needs an id that can be read.

    Raises:
        CliError: names the field and the fix.
    """
    from septet_contracts import ContractError, decode, topic

    try:
        decode(topic("requests"), json.dumps(request).encode())
    except ContractError as error:
        raise CliError(
            f"The request is not valid: {error}", error.fix or "see `septet ask --help`"
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
    """Absolute time for an explicit timeout; none keeps the body the same when it is sent again."""
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(seconds=timeout)).isoformat() if timeout else None


def _read_schema(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        from septet_cli.console import fail

        fail(CliError(f"{path} is not a JSON Schema file: {error}", "give the path of a JSON file"))
