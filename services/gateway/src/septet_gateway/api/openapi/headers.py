"""The headers of answers."""

from __future__ import annotations

from septet_gateway.api.openapi.schemas import Schema

_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]+$"}
_DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+ms|([0-9]+h)?([0-9]+m)?[0-9]+(\.[0-9]+)?s)$"}
HEADERS: dict[str, Schema] = {
    "XRequestId": {"description": "The id of the request.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds to wait.", "schema": _NUMBER},
    "RetryAfterMs": {"description": "Milliseconds to wait.", "schema": _NUMBER},
    "XShouldRetry": {
        "description": "`false` if a repeat with the same key leads to the same error.",
        "schema": {"const": "false"},
    },
    "Location": {
        "description": "Path of the response.",
        "schema": {"type": "string", "pattern": "^/v1/septet/responses/"},
    },
    "PreferenceApplied": {
        "description": "The preference that was followed.",
        "schema": {"const": "respond-async"},
    },
    "WwwAuthenticate": {"description": "The scheme of authentication.", "schema": {"const": "Bearer"}},
    "XRatelimitLimitRequests": {"description": "Calls a minute of the key.", "schema": _NUMBER},
    "XRatelimitRemainingRequests": {"description": "Calls that the key may make at once.", "schema": _NUMBER},
    "XRatelimitResetRequests": {
        "description": "Time until no call is counted, such as `12ms` or `6m0s`.",
        "schema": _DURATION,
    },
    "XRatelimitLimitTokens": {"description": "Tokens a minute of the key.", "schema": _NUMBER},
    "XRatelimitRemainingTokens": {"description": "Tokens that the key may use at once.", "schema": _NUMBER},
    "XRatelimitResetTokens": {
        "description": "Time until no token is counted, such as `12ms` or `6m0s`.",
        "schema": _DURATION,
    },
}
RATE = tuple(name for name in HEADERS if name.startswith("XRatelimit"))
"""On every answer to a key that has such a limit."""


def headers(names: tuple[str, ...]) -> Schema:
    """The member ``headers`` of an answer; nothing without names."""
    if not names:
        return {}
    return {"headers": {_written(name): {"$ref": f"#/components/headers/{name}"} for name in names}}


def _written(name: str) -> str:
    """The name of a header: ``retry-after`` of ``RetryAfter``."""
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).removeprefix("-")
