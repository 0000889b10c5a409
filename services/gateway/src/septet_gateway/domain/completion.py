"""Chat completions made from responses, whole and in chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from septet_contracts import Response

from septet_gateway.domain.errors import of_failure

_FINISH = {
    "answered": "stop",
    "abstained": "stop",
    "blocked": "content_filter",
    "refused": "content_filter",
}
"""Finish reason by status. A response of another status has no answer, and becomes an HTTP error."""

_SHOWN = {
    "request_id",
    "conversation_id",
    "status",
    "answer_kind",
    "question",
    "sources",
    "verdicts",
    "scores",
    "cache",
    "answerability",
    "degraded",
    "language",
    "policy",
    "policy_version",
    "model",
    "prompt_version",
    "timings",
    "total_ms",
    "trace_id",
}


class Completion:
    """The completion of one response.

    Args:
        response: as released.
        model: the model's name in the request.
        stops: stop sequences; the answer ends before the first one.

    Raises:
        ApiError: the response has no answer.
    """

    def __init__(self, response: Response, model: str, stops: Sequence[str] = ()) -> None:
        if response.status not in _FINISH:
            raise of_failure(response.status, response.error)
        self._response = response
        self._model = model
        self.finish_reason = _FINISH[response.status]
        self.content = until(_content(response), stops)

    def whole(self) -> dict[str, Any]:
        """The object ``chat.completion``."""
        message = {
            "role": "assistant",
            "content": self.content,
            "refusal": None,
            "septet": details(self._response),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage()}

    def chunks(self, *, include_usage: bool) -> Iterator[dict[str, Any]]:
        """The chunks after the first one, which names the role."""
        head = self._head("chat.completion.chunk")
        if self.content:
            yield {**head, "choices": [choice_of({"content": self.content})]}
        yield {**head, "choices": [choice_of({}, self.finish_reason)], "septet": details(self._response)}
        if include_usage:
            yield {**head, "choices": [], "usage": self._usage()}

    def _head(self, kind: str) -> dict[str, Any]:
        created = int(self._response.occurred_at.timestamp())
        return head_of(kind, self._response.request_id, created, self._model)

    def _usage(self) -> dict[str, int]:
        used = self._response.usage
        return {
            "prompt_tokens": used.prompt_tokens,
            "completion_tokens": used.completion_tokens,
            "total_tokens": used.prompt_tokens + used.completion_tokens,
        }


def head_of(kind: str, request_id: str, created: int, model: str) -> dict[str, Any]:
    """The fields that a completion shares with its chunks."""
    return {"id": f"chatcmpl-{request_id}", "object": kind, "created": created, "model": model}


def choice_of(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """The one choice of a chunk."""
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def opening(request_id: str, created: int, model: str) -> dict[str, Any]:
    """The first chunk: the role alone."""
    head = head_of("chat.completion.chunk", request_id, created, model)
    return {**head, "choices": [choice_of({"role": "assistant", "content": ""})]}


def waiting(request_id: str, created: int, model: str) -> dict[str, Any]:
    """A chunk that keeps a connection open: its delta is empty."""
    return {**head_of("chat.completion.chunk", request_id, created, model), "choices": [choice_of({})]}


def details(response: Response) -> dict[str, Any]:
    """The object ``septet``: what Septet knows of the answer beside OpenAI's fields."""
    return response.model_dump(mode="json", include=_SHOWN, exclude_none=True)


def until(text: str, stops: Sequence[str]) -> str:
    """The text before the first stop sequence."""
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def _content(response: Response) -> str:
    if response.answer is not None:
        return response.answer
    if response.answer_json is not None:
        return json.dumps(response.answer_json, ensure_ascii=False)
    return ""
