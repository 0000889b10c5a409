"""Requests that compute answers in advance, from a file of questions or from frequent questions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from septet_cache.domain.frequent import Frequent
from septet_contracts import CacheOptions, ContractError, Request, RetrievalOptions, decode, topic
from septet_contracts.envelope import Contract

_NAMESPACE = UUID("6b1d6f1e-5e0f-5c1a-9c55-7e57e7000002")
_OBJECTS: dict[str, type[Contract]] = {"cache": CacheOptions, "retrieval": RetrievalOptions}
_ASK_FIELDS = ("retrieval", "policy", "model", "output_schema", "generate")


@dataclass(frozen=True)
class WarmRequest:
    """A request to publish; ``where`` names its line."""

    where: str
    question: str
    body: dict[str, Any]

    @property
    def request_id(self) -> str:
        return str(self.body["request_id"])

    def attempt(self, number: int) -> WarmRequest:
        """The request for the attempt ``number``, from 0: a failed request needs a new id to be answered again."""
        if not number:
            return self
        return replace(self, body={**self.body, "request_id": f"{self.request_id}.{number}"})


class BadLine(ValueError):
    """A line that is no valid request; the message names the field."""


@dataclass(frozen=True)
class Run:
    """One run of `septet cache warm`.

    Attributes:
        label: the day, and the name that the user gave. A request of the same body and label is made once.
        refresh: compute new answers also for questions whose answers are stored.
        defaults: fields of requests that a line may override.
    """

    label: str
    refresh: bool
    defaults: Mapping[str, Any]

    @classmethod
    def of(cls, day: datetime, name: str, refresh: bool, **defaults: Any) -> Run:
        """A run on a day; defaults without a value are left out."""
        given = {field: value for field, value in defaults.items() if value is not None}
        return cls(f"{day:%Y-%m-%d}/{name}", refresh, given)

    def request(self, where: str, fields: Mapping[str, Any]) -> WarmRequest:
        """Complete the fields of a line to a valid request.

        Raises:
            BadLine: the line is not valid.
        """
        _check_names(fields)
        body = {**self.defaults, **fields}
        if self.refresh:
            body["cache"] = {"use": "refresh", **body.get("cache", {})}
        content = json.dumps([self.label, body], sort_keys=True)
        body["request_id"] = f"warm-{uuid5(_NAMESPACE, content)}"
        try:
            request = decode(topic("requests"), json.dumps(body).encode())
        except ContractError as error:
            raise BadLine(f"{error}{f'; {error.fix}' if error.fix else ''}") from error
        if request.cache.use == "bypass":
            raise BadLine("cache.use: `bypass` stores no answer; leave it out")
        if not request.query.strip():
            raise BadLine("question: it is empty")
        return WarmRequest(where, request.query, body)


def _check_names(fields: Mapping[str, Any]) -> None:
    """Reject unknown fields, which a service ignores, and fields that make no cached answer."""
    if "request_id" in fields:
        raise BadLine("request_id: the command derives it; leave it out")
    if fields.get("check") is not None:
        raise BadLine("check: the answer to a check is not cached; leave it out")
    if fields.get("evaluation") is not None:
        raise BadLine("evaluation: the answers of evaluation runs are not cached; leave it out")
    _check_known(fields, Request.model_fields, "")
    for name, model in _OBJECTS.items():
        value = fields.get(name, {})
        if not isinstance(value, dict):
            raise BadLine(f"{name}: give an object such as {_example(name)}")
        _check_known(value, model.model_fields, f"{name}.")


def _check_known(fields: Mapping[str, Any], known: Mapping[str, Any], prefix: str) -> None:
    for name in fields:
        if name not in known:
            raise BadLine(f"{prefix}{name}: no such field; the fields are {', '.join(known)}")


def _example(name: str) -> str:
    return '{"key": "item:7"}' if name == "cache" else '{"k": 5}'


def read_lines(name: str, lines: Iterable[bytes], run: Run) -> Iterator[WarmRequest | tuple[str, BadLine]]:
    """Read requests: one question a line, or one JSON object a line if the first line begins with a brace.

    A bad line gives its place and the error.
    """
    as_json: bool | None = None
    for number, line in enumerate(lines, start=1):
        where = f"{name}:{number}"
        text = line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape").strip()
        if not text:
            continue
        as_json = text.startswith("{") if as_json is None else as_json
        try:
            yield run.request(where, _fields(text, as_json))
        except BadLine as error:
            yield where, error


def _fields(text: str, as_json: bool) -> dict[str, Any]:
    try:
        fields = json.loads(text) if as_json else {"question": text}
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadLine("not valid UTF-8, or half of a surrogate pair: save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise BadLine('not a JSON object: write {"question": "…"}')
    return fields


def frequent_request(found: Frequent, run: Run) -> WarmRequest:
    """The request that computes the answer to a frequent question, with the options of its newest request."""
    options = found.ask.model_dump(include=set(_ASK_FIELDS), exclude_defaults=True)
    key = {"cache": {"key": found.ask.cache.key}} if found.ask.cache.key is not None else {}
    fields = {"question": found.ask.query, "tenant": found.tenant, **options, **key}
    return run.request(f"{found.requests} × {found.ask.query}", fields)
