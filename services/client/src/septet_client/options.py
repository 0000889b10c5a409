"""Options of a request, and the bytes that are published for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypedDict, cast
from uuid import uuid4

from pydantic import BaseModel
from septet_contracts import (
    CacheOptions,
    Check,
    ContractError,
    Message,
    Request,
    Response,
    RetrievalOptions,
    decode,
    record_key,
    request_digest,
    topic,
)
from septet_contracts.identity import is_answer_to

from septet_client.errors import InvalidInput


class AskOptions(TypedDict, total=False):
    """Options of a request. An absent one has the default of the contract.

    Attributes:
        conversation: id of the conversation: its questions are processed in order.
        messages: earlier messages of the conversation; without a question, the last user message is the question.
        retrieval: how passages are retrieved, or only the mode.
        cache: how the cache is used, or only ``use``.
        policy: name of the guardrail policy.
        model: model alias.
        output_schema: JSON Schema that the answer must satisfy.
        reference: known correct answer, or several: adds reference-based scores.
        check: texts that the rails check; there is no answer then.
        generate: ``False`` retrieves and ranks only.
        deadline: when the response is due, or after which time; 60 s by default. With ``request_id``, give the same
            absolute time in each repetition, or none: another deadline is another body.
        request_id: idempotency key: the same id and body give the same response.
    """

    conversation: str
    messages: Iterable[Message | Mapping[str, str]]
    retrieval: RetrievalOptions | Mapping[str, Any] | Literal["hybrid", "lexical", "dense", "off"]
    cache: CacheOptions | Mapping[str, Any] | Literal["default", "bypass", "refresh"]
    policy: str
    model: str
    output_schema: Mapping[str, Any]
    reference: str | Iterable[str]
    check: Check | Mapping[str, Any]
    generate: bool
    deadline: datetime | timedelta
    request_id: str


# The first fields of a body. The order belongs to the digest.
_ORDER = ("request_id", "tenant", "conversation_id", "question", "deadline", "retrieval", "cache", "stream")


@dataclass(frozen=True)
class Prepared:
    """A valid request, and the record that publishes it.

    Attributes:
        repeatable: whether the caller chose the id: the request may have been asked before.
        reproducible: whether the same call makes the same bytes. A relative deadline makes others each time.
    """

    request: Request
    value: bytes
    repeatable: bool = False
    reproducible: bool = True

    @property
    def key(self) -> bytes:
        """The record's key."""
        return record_key(self.request.tenant, self.request.request_id, self.request.conversation_id)

    @property
    def digest(self) -> str:
        """Digest of the body: the same id with another digest is a conflict."""
        return request_digest(self.value)

    def other(self) -> Prepared:
        """The same question with the other `stream`: the bytes that :func:`prepare` makes for it."""
        body = dict.fromkeys(_ORDER) | json.loads(self.value)
        body["stream"] = None if self.request.stream else True
        value = encode_body(body)
        return Prepared(validate("requests", value), value, self.repeatable, self.reproducible)

    def is_answered_by(self, response: Response) -> bool:
        """Whether a response is the answer to this request, and not to another body under the same id.

        Both verbs ask the same. Bodies that the call does not make again are compared by their question alone.
        """
        if not is_answer_to(response, self.request):
            return False
        if response.request_digest in (None, self.digest) or not self.reproducible:
            return True
        return response.request_digest == self.other().digest


def new_request_id() -> str:
    """A new, unique request id."""
    return f"py-{uuid4().hex}"


def prepare(tenant: str, question: str | None, options: AskOptions, *, stream: bool = False) -> Prepared:
    """The request of a question and its options.

    Only what is given is published, so that a later version of this package publishes the same bytes.

    Raises:
        InvalidInput: it breaks the contract.
    """
    given: dict[str, Any] = dict(options)
    if unknown := given.keys() - AskOptions.__annotations__.keys():
        raise InvalidInput(f"unknown option {min(unknown)!r}", field=min(unknown))
    request_id = given.pop("request_id", None)
    is_relative = isinstance(given.get("deadline"), timedelta)
    body = dict.fromkeys(_ORDER) | {
        "request_id": new_request_id() if request_id is None else request_id,
        "tenant": tenant,
        "conversation_id": given.pop("conversation", None),
        "question": question,
        "deadline": _deadline(given.pop("deadline", None)),
        "retrieval": _named(given.pop("retrieval", None), "mode"),
        "cache": _named(given.pop("cache", None), "use"),
        "stream": True if stream else None,
        **given,
    }
    value = encode_body(body)
    request = cast(Request, validate("requests", value))
    return Prepared(request, value, repeatable=request_id is not None, reproducible=not is_relative)


def validate(name: str, value: bytes) -> Any:
    """The event of a body, checked against the contract of its topic.

    Raises:
        InvalidInput: it breaks the contract.
    """
    try:
        return decode(topic(name), value)
    except ContractError as error:
        raise InvalidInput(str(error), error.code, error.field) from error


def encode_body(body: Mapping[str, Any]) -> bytes:
    """The JSON of a body, without the fields that have no value."""
    given = {name: _plain(value) for name, value in body.items() if value is not None}
    try:
        return json.dumps(given, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"not JSON: {error}") from error


def _plain(value: Any) -> Any:
    """The JSON value of a model or an iterable."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return list(value)
    if isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _named(value: Any, field: str) -> Any:
    return {field: value} if isinstance(value, str) else value


def _deadline(value: datetime | timedelta | None) -> str | None:
    if isinstance(value, timedelta):
        value = datetime.now(UTC) + value
    return None if value is None else value.isoformat()
