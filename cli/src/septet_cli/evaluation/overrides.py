"""Fields of requests that the options of a run set."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from septet_cli.errors import CliError

MODES = ("hybrid", "lexical", "dense", "off")


def overrides_of(
    *,
    model: str | None = None,
    policy: str | None = None,
    retrieval: str | None = None,
    fields: Iterable[str] = (),
    tenant: str | None = None,
) -> dict[str, Any]:
    """The overrides of a run.

    Args:
        model: alias of the model.
        policy: name of the guardrail policy.
        retrieval: number of passages, mode, or both, such as `8`, `dense` and `8/dense`.
        fields: further ones as `name=value`, such as `retrieval.fusion=rrf`; the value is JSON, or a text.
        tenant: tenant of the requests.

    Raises:
        CliError: an option is malformed.
    """
    found: dict[str, Any] = {}
    for name, value in (("model", model), ("policy", policy), ("tenant", tenant)):
        if value is not None:
            found[name] = value
    if retrieval is not None:
        found["retrieval"] = _retrieval(retrieval)
    for field in fields:
        _set(found, field)
    return found


def _retrieval(text: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part in text.split("/"):
        if part.isdigit():
            made["k"] = int(part)
        elif part in MODES:
            made["mode"] = part
        else:
            raise CliError(
                f"--retrieval {text}: {part!r} is neither a number of passages nor a mode.",
                f"give for example 8, dense or 8/dense; the modes are {', '.join(MODES)}",
            )
    return made


def _set(found: dict[str, Any], field: str) -> None:
    name, equals, text = field.partition("=")
    path = name.strip().split(".")
    if not equals or not all(path):
        raise CliError(
            f"--set {field}: not of the form field=value.", "give for example --set retrieval.fusion=rrf"
        )
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    place = found
    for part in path[:-1]:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise CliError(f"--set {field}: {part} is no object.", "set the whole field instead")
    place[path[-1]] = value
