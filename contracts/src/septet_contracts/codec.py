"""Record values: events to bytes and back, with errors that name the field and the fix."""

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
_MAX_INNER_BYTES = 2 * MAX_BODY_BYTES  # an event between services: the request's body and what was found out
MAX_VALUES = 50_000  # of a client's body; a million empty lists in 1 MiB would block a consumer for 200 ms
MAX_MESSAGE = 500
_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
_TENANT = re.compile(r"[a-z0-9][a-z0-9\-]{0,62}")


@dataclass(frozen=True)
class Partial:
    """What could be read of a record whose body is not valid: enough to answer its sender."""

    request_id: str | None = None
    tenant: str = "default"
    conversation_id: str | None = None


class ContractError(ValueError):
    """A record's value breaks its contract. ``code`` is one of: oversized, empty_body, invalid_utf8,
    malformed_json, unknown_version, wrong_contract, missing_field, invalid_field."""

    def __init__(
        self, code: str, message: str, *, field: str | None = None, fix: str | None = None,
        partial: Partial = Partial(),
    ) -> None:  # fmt: skip
        super().__init__(message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…")
        self.code = code
        self.field = field
        self.fix = fix
        self.partial = partial


def encode(event: BaseModel) -> bytes:
    """Serialize an event; absent optional fields are left out."""
    return event.model_dump_json(exclude_none=True).encode()


def request_digest(value: bytes) -> str:
    """SHA-256 of a request's body: the same id with another digest is a conflict."""
    return hashlib.sha256(value).hexdigest()


def decode(topic: Topic, value: bytes | None) -> Any:
    """Validate a record's value against its topic's contract.

    Raises:
        ContractError: with the code, the field and, where the ids can be read, whose it is.
    """
    if not value:
        raise ContractError("empty_body", "the record has no value", fix="send a JSON object")
    limit = MAX_BODY_BYTES if topic.from_clients else _MAX_INNER_BYTES
    if len(value) > limit:
        raise ContractError(
            "oversized", f"the body has {len(value)} bytes, more than {limit}",
            fix=f"send at most {limit // MAX_BODY_BYTES} MiB", partial=_peek_ids(value),
        )  # fmt: skip
    if topic.from_clients and _has_too_many_values(value):
        raise ContractError(
            "oversized", f"the body has more than {MAX_VALUES} JSON values", fix="send a smaller structure",
            partial=_peek_ids(value),
        )  # fmt: skip
    if topic.from_clients and _has_nul(value):
        raise ContractError(
            "invalid_field", "a text holds the character U+0000, which databases do not store",
            fix="remove it", partial=_peek_ids(value),
        )  # fmt: skip
    _check_version(topic, value)
    try:
        return topic.adapter.validate_json(value)
    except ValidationError as error:
        raise _from_validation(error, _load(value)) from None


def peek(value: bytes) -> Partial:
    """Read the ids of a value without parsing it, by pattern, from its first and last 4 KiB."""
    return _peek_ids(value)


def _load(value: bytes) -> dict[str, Any]:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContractError(
            "invalid_utf8", f"byte {error.start} is not valid UTF-8", fix="encode the body as UTF-8",
            partial=_peek_ids(value),
        ) from None  # fmt: skip
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:  # integers of over 4,300 digits raise a plain ValueError
        raise ContractError(
            "malformed_json", f"not JSON: {error}", fix="send one JSON object", partial=_peek_ids(value)
        ) from None
    if not isinstance(body, dict):
        raise ContractError(
            "malformed_json", "not a JSON object", fix="send one JSON object", partial=_peek_ids(value)
        )
    return body


@cache
def _version(major: int) -> re.Pattern[bytes]:
    return re.compile(rb'"version"\s*:\s*%d\s*[,}]' % major)


def _has_nul(value: bytes) -> bool:
    """Whether a string escapes the character U+0000; an escaped backslash before ``u0000`` is no escape of it."""
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
    """A record of a foreign contract or version is told so, rather than that some field is missing.

    The regular expression spares well-formed records a second parse.
    """
    if _version(topic.major).search(value) and f'"{topic.contract}"'.encode() in value:
        return
    body = _load(value)
    if body.get("version", topic.major) != topic.major:
        raise ContractError(
            "unknown_version", f"{topic.name} takes version {topic.major}, not {body['version']!r}", field="version",
            fix="publish to the topic of that version", partial=_partial(body),
        )  # fmt: skip
    if body.get("contract", topic.contract) != topic.contract:
        raise ContractError(
            "wrong_contract", f"{topic.name} takes {topic.contract}, not {body['contract']!r}",
            field="contract", fix=f"publish {topic.contract}", partial=_partial(body),
        )  # fmt: skip


def _from_validation(error: ValidationError, body: dict[str, Any]) -> ContractError:
    first = error.errors(include_url=False, include_input=False)[0]
    if (
        first["type"] == "json_invalid"
    ):  # what json.loads takes and the validator does not: too deep, too large
        return ContractError("malformed_json", first["msg"], fix="nest less deeply", partial=_partial(body))
    field = ".".join(str(p) for p in first["loc"]) or None
    said = first["msg"]
    if first["type"] == "union_tag_invalid":  # the validator's own message repeats what the body says
        field = first["ctx"]["discriminator"].strip("'")
        said = f"Input should be one of {first['ctx']['expected_tags']}"
    missing = first["type"] == "missing"
    fix = f"add `{field}`" if missing else f"correct `{field}`" if field else "see the contract's schema"
    more = error.error_count() - 1
    message = f"{field or 'body'}: {said}" + (f" (and {more} more)" if more else "")
    code = "missing_field" if missing else "invalid_field"
    return ContractError(code, message, field=field, fix=fix, partial=_partial(body))


def _partial(body: dict[str, Any]) -> Partial:
    def read(name: str, pattern: re.Pattern[str]) -> str | None:
        value = body.get(name)
        return value if isinstance(value, str) and pattern.fullmatch(value) else None

    return Partial(
        read("request_id", _ID), read("tenant", _TENANT) or "default", read("conversation_id", _ID)
    )


def _peek_ids(value: bytes) -> Partial:
    """Ids of a body that cannot be parsed, by pattern, from its first and last 4 KiB."""
    text = (value if len(value) <= 8192 else value[:4096] + value[-4096:]).decode("utf-8", "replace")
    found = {
        name: match.group(1)
        for name in ("request_id", "tenant", "conversation_id")
        if (match := re.search(rf'"{name}"\s*:\s*"([^"\\]{{1,128}})"', text))
    }
    return _partial(dict(found))
