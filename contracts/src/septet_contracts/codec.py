"""Encode events to record values and decode them, with errors that name the field and the fix."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from septet_contracts.topics import Topic

MAX_BODY_BYTES = 1024 * 1024
_MAX_INNER_BYTES = 2 * MAX_BODY_BYTES
"""Limit of events between services: they hold the request's body and the stages' results."""
MAX_VALUES = 50_000
"""Limit of JSON values in a client's body: a million empty lists in 1 MiB would block a consumer for 200 ms."""
MAX_MESSAGE = 500
_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_TENANT = re.compile(r"[a-z0-9][a-z0-9\-]{0,62}")


@dataclass(frozen=True)
class Partial:
    """Ids that were read from an invalid body, so that its sender can get a response."""

    request_id: str | None = None
    tenant: str = "default"
    conversation_id: str | None = None


class ContractError(ValueError):
    """A record's value does not satisfy its contract.

    ``code`` is one of: oversized, empty_body, invalid_utf8, malformed_json, unknown_version, wrong_contract,
    missing_field, invalid_field.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        fix: str | None = None,
        partial: Partial = Partial(),
    ) -> None:
        super().__init__(message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…")
        self.code = code
        self.field = field
        self.fix = fix
        self.partial = partial


def encode(event: BaseModel) -> bytes:
    """Serialize an event. Fields without a value are omitted."""
    return event.__pydantic_serializer__.to_json(event, exclude_none=True)


def request_digest(value: bytes) -> str:
    """SHA-256 of a request's body. The same request id with another digest is a conflict."""
    return hashlib.sha256(value).hexdigest()


def decode(topic: Topic, value: bytes | None) -> Any:
    """Validate a record's value against its topic's contract.

    Raises:
        ContractError: the value is invalid. The error holds the code, the field and the ids that could be read.
    """
    if not value:
        raise ContractError("empty_body", "the record has no value", fix="send a JSON object")
    limit = MAX_BODY_BYTES if topic.from_clients else _MAX_INNER_BYTES
    if len(value) > limit:
        message = f"the body has {len(value)} bytes, more than {limit}"
        raise _unparsed(value, "oversized", message, f"send at most {limit // MAX_BODY_BYTES} MiB")
    if topic.from_clients and _has_too_many_values(value):
        message = f"the body has more than {MAX_VALUES} JSON values"
        raise _unparsed(value, "oversized", message, "send a smaller structure")
    if topic.from_clients and _has_nul(value):
        message = "a text holds the character U+0000, which databases do not store"
        raise _unparsed(value, "invalid_field", message, "remove it")
    _check_version(topic, value)
    try:
        return topic.adapter.validate_json(value)
    except ValidationError as error:
        raise _from_validation(error, _load(value)) from None


def peek(value: bytes) -> Partial:
    """Read the ids of a value by pattern from its first and last 4 KiB, without parsing it."""
    text = (value if len(value) <= 8192 else value[:4096] + value[-4096:]).decode("utf-8", "replace")
    found = {
        name: match.group(1)
        for name in ("request_id", "tenant", "conversation_id")
        if (match := re.search(rf'"{name}"\s*:\s*"([^"\\]{{1,128}})"', text))
    }
    return _partial(dict(found))


def _unparsed(value: bytes, code: str, message: str, fix: str) -> ContractError:
    """Error of a value that is not parsed; its ids are read by pattern."""
    return ContractError(code, message, fix=fix, partial=peek(value))


def _load(value: bytes) -> dict[str, Any]:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not valid UTF-8"
        raise _unparsed(value, "invalid_utf8", message, "encode the body as UTF-8") from None
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:  # integers of over 4,300 digits raise a plain ValueError
        raise _unparsed(value, "malformed_json", f"not JSON: {error}", "send one JSON object") from None
    if not isinstance(body, dict):
        raise _unparsed(value, "malformed_json", "not a JSON object", "send one JSON object")
    return body


@cache
def _version(major: int) -> re.Pattern[bytes]:
    return re.compile(rb'"version"\s*:\s*%d\s*[,}]' % major)


def _has_nul(value: bytes) -> bool:
    """Whether a string escapes the character U+0000. ``u0000`` after an escaped backslash is plain text."""
    return b"\\u0000" in value and b"\\u0000" in value.replace(b"\\\\", b"//")


def _has_too_many_values(value: bytes) -> bool:
    """Whether the body has more than ``MAX_VALUES`` strings, or lists, objects and items outside strings."""
    if _values(value) <= MAX_VALUES:
        return False
    unescaped = value.replace(b"\\\\", b"").replace(b'\\"', b"")
    if unescaped.count(b'"') > 2 * MAX_VALUES:
        return True
    return _values(b"".join(unescaped.split(b'"')[::2])) > MAX_VALUES


def _values(body: bytes) -> int:
    return body.count(b"[") + body.count(b"{") + body.count(b",")


def _check_version(topic: Topic, value: bytes) -> None:
    """Reject another contract or version by name, before validation reports a missing field instead.

    The regular expression avoids a second parse of valid records.
    """
    if _version(topic.major).search(value) and f'"{topic.contract}"'.encode() in value:
        return
    body = _load(value)
    if body.get("version", topic.major) != topic.major:
        raise ContractError(
            "unknown_version",
            f"{topic.name} takes version {topic.major}, not {body['version']!r}",
            field="version",
            fix="publish to the topic of that version",
            partial=_partial(body),
        )
    if body.get("contract", topic.contract) != topic.contract:
        raise ContractError(
            "wrong_contract",
            f"{topic.name} takes {topic.contract}, not {body['contract']!r}",
            field="contract",
            fix=f"publish {topic.contract}",
            partial=_partial(body),
        )


def _from_validation(error: ValidationError, body: dict[str, Any]) -> ContractError:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        # json.loads accepts JSON that is too deep or too large for the validator.
        return ContractError("malformed_json", first["msg"], fix="nest less deeply", partial=_partial(body))
    field = ".".join(str(p) for p in first["loc"]) or None
    reason = first["msg"]
    if first["type"] == "union_tag_invalid":
        # The validator's own message would repeat text of the body.
        field = first["ctx"]["discriminator"].strip("'")
        reason = f"Input should be one of {first['ctx']['expected_tags']}"
    missing = first["type"] == "missing"
    fix = f"add `{field}`" if missing else f"correct `{field}`" if field else "see the contract's schema"
    more = error.error_count() - 1
    message = f"{field or 'body'}: {reason}" + (f" (and {more} more)" if more else "")
    code = "missing_field" if missing else "invalid_field"
    return ContractError(code, message, field=field, fix=fix, partial=_partial(body))


def _partial(body: dict[str, Any]) -> Partial:
    def read(name: str, pattern: re.Pattern[str]) -> str | None:
        value = body.get(name)
        return value if isinstance(value, str) and pattern.fullmatch(value) else None

    return Partial(
        read("request_id", _ID), read("tenant", _TENANT) or "default", read("conversation_id", _ID)
    )
