"""The request of a draw: its id, its body, and the fields that a suite or a run may set."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from pydantic import BaseModel
from septet_contracts import Ask, ContractError, EvaluationSample, Request, decode, topic
from septet_contracts.envelope import Contract

from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite

_NAMESPACE = UUID("6b1d6f1e-5e0f-5c1a-9c55-7e57e7000016")
PREFIX = "eval-"
"""Prefix of the request ids of all runs."""
FIELDS = ("retrieval", "policy", "model", "output_schema", "generate", "reference")
"""Fields of a request that a suite, a case or a run may set."""
_LETTER_ONLY = {"ko": "정답의 글자만 쓰세요.", "en": "Answer with the letter of the correct option only."}


def request_id_of(run: str, case: str, draw: int) -> str:
    """The request id of a draw. It is the same in a resumed run."""
    return f"{PREFIX}{uuid5(_NAMESPACE, json.dumps([run, case, draw]))}"


def request_body(case: Case, sample: EvaluationSample, *layers: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a draw's request, without a deadline.

    Args:
        case: the case.
        sample: the run, the case's id and the number of the draw.
        layers: fields of the request; later ones win. Objects such as ``retrieval`` are merged.

    Raises:
        InvalidSuite: a field is not one of ``FIELDS``, or breaks the contract.
    """
    body: dict[str, Any] = {
        "request_id": request_id_of(sample.run, sample.case, sample.draw),
        "question": _question(case),
        "messages": [message.model_dump(mode="json") for message in case.messages or ()] or None,
        # A service of a version that does not know `evaluation` leaves the cache alone, too.
        "cache": {"use": "bypass"},
        "evaluation": sample.model_dump(),
    }
    for layer in layers:
        for name, value in layer.items():
            _check_field(name, value)
            both = (
                isinstance(value, Mapping) and isinstance(body.get(name), Mapping) and name != "output_schema"
            )
            body[name] = {**body[name], **value} if both else value
    body = {name: value for name, value in body.items() if value is not None}
    try:
        decode(topic("requests"), json.dumps(body).encode())
    except ContractError as error:
        raise InvalidSuite(str(error), error.fix or "see the contract of `requests`") from error
    return body


def _check_field(name: str, value: Any) -> None:
    if name == "tenant":
        return
    if name not in FIELDS:
        raise InvalidSuite(
            f"request.{name}: a suite cannot set this field", f"the fields are {', '.join(FIELDS)}"
        )
    kind = Ask.model_fields[name].annotation
    if isinstance(kind, type) and issubclass(kind, Contract):
        if not isinstance(value, Mapping):
            raise InvalidSuite(f"request.{name}: not an object", f"its fields are {_names(kind)}")
        if unknown := sorted(value.keys() - kind.model_fields.keys()):
            raise InvalidSuite(
                f"request.{name}.{unknown[0]}: no such field", f"the fields are {_names(kind)}"
            )


def _names(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _question(case: Case) -> str | None:
    """The question; that of a multiple-choice case ends with its options by letter."""
    if not case.choices or case.question is None:
        return case.question
    options = [
        f"{letter}. {choice}" for letter, choice in zip(string.ascii_uppercase, case.choices, strict=False)
    ]
    is_korean = any("가" <= character <= "힣" for character in case.question)
    return "\n".join([case.question, *options, _LETTER_ONLY["ko" if is_korean else "en"]])


def evaluation_of(value: bytes) -> Request | None:
    """The request of a record's value, if it belongs to an evaluation run."""
    if b'"evaluation"' not in value:
        return None
    try:
        request: Request = decode(topic("requests"), value)
    except ContractError:
        return None
    return request if request.evaluation is not None else None
