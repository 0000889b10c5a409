"""Chat completions made from responses, whole and in chunks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from septet_contracts import Response

from septet_gateway.domain.errors import ApiError, of_failure
from septet_gateway.domain.shown import Shown, until

FILTERED = "content_filter"
_FINISH = {
    "answered": "stop",
    "abstained": "stop",
    "blocked": FILTERED,
    "refused": FILTERED,
}
"""Finish reason by status. A response of another status has no answer, and becomes an HTTP error."""

SHOWN = {
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
"""Fields of a response that its object ``septet`` has."""


class Completion:
    """The completion of one response.

    Args:
        response: as released.
        model: the model's name in the request.
        stops: stop sequences; the answer ends before the first one.
        is_structured: whether the client wants JSON; a text that is none is a refusal.

    Raises:
        ApiError: the response has no answer.
    """

    def __init__(
        self, response: Response, model: str, stops: Sequence[str] = (), *, is_structured: bool = False
    ) -> None:
        self._is_refusal = is_structured and has_no_json(response)
        self.finish_reason = finish_reason_of(response, is_refusal=self._is_refusal)
        self._response = response
        self._model = model
        self.content = until(content_of(response), stops)

    def whole(self) -> dict[str, Any]:
        """The object ``chat.completion``."""
        message = {
            "role": "assistant",
            "content": None if self._is_refusal else self.content,
            "refusal": self.content if self._is_refusal else None,
            "septet": details(self._response),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage()}

    def chunks(self, shown: Shown, *, include_usage: bool) -> Iterator[dict[str, Any]]:
        """The chunks that complete a stream, after those with the text that was shown before.

        An answer that does not begin with that text ends with the content filter, and is in the object ``septet``.
        """
        head = self._head("chat.completion.chunk")
        rest, reason, septet = shown.rest(self.content), self.finish_reason, details(self._response)
        if rest is None:
            reason, septet = FILTERED, {**septet, "answer": self.content}
        elif rest:
            yield {**head, "choices": [choice_of({"refusal" if self._is_refusal else "content": rest})]}
        yield {**head, "choices": [choice_of({}, reason)], "septet": septet}
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


class CompletionChunks:
    """The chunks of a streamed completion.

    Args:
        complete: makes the completion of a response.
        request_id: of the call.
        created_at: time of the call, in seconds.
        model: the model's name in the request.
        include_usage: whether a chunk with the usage ends the stream.
        stops: stop sequences of the request.
        epochs: whether the client discards the text when a chunk begins another epoch.
        is_structured: whether the client wants JSON. Only the response decides whether a text is JSON or a refusal.
    """

    ENDS_WITH_DONE: ClassVar[bool] = True

    def __init__(
        self,
        complete: Callable[[Response], Completion],
        *,
        request_id: str,
        created_at: int,
        model: str,
        include_usage: bool,
        stops: Sequence[str] = (),
        epochs: bool = False,
        is_structured: bool = False,
    ) -> None:
        self._shown = Shown(stops)
        self._is_structured = is_structured
        self._epochs = epochs
        self._epoch = 1
        self._complete = complete
        self._created_at = created_at
        self._include_usage = include_usage
        self._head = head_of("chat.completion.chunk", request_id, created_at, model)

    def check(self, response: Response) -> None:
        """Check that a response has an answer.

        Raises:
            ApiError: it has none.
        """
        self._complete(response)

    def opening(self) -> Iterator[dict[str, Any]]:
        """The first chunk: the role alone."""
        yield {**self._head, "choices": [choice_of({"role": "assistant", "content": ""})]}

    def waiting(self) -> dict[str, Any]:
        """A chunk that keeps a connection open: its delta is empty."""
        return {**self._head, "choices": [choice_of({})]}

    def partial(self, text: str) -> Iterator[dict[str, Any]]:
        """A chunk with what is new in the answer so far, if anything is."""
        if self._is_structured:
            return
        if self._shown.contradicts(text):
            yield from self._restarted()
        if new := self._shown.more(text):
            yield {**self._head, "choices": [choice_of({"content": new})]}

    def answer(self, response: Response) -> Iterator[dict[str, Any]]:
        """The chunks that complete the stream.

        Raises:
            ApiError: the response has no answer.
        """
        completion = self._complete(response)
        if self._shown.rest(completion.content) is None:
            yield from self._restarted()
        for chunk in completion.chunks(self._shown, include_usage=self._include_usage):
            yield {**chunk, "created": self._created_at}

    def _restarted(self) -> Iterator[dict[str, Any]]:
        """A chunk that begins another epoch, if the client knows epochs."""
        if self._epochs:
            self._epoch += 1
            self._shown.restart()
            yield {**self._head, "choices": [choice_of({})], "septet": {"epoch": self._epoch}}

    def failure(self, error: ApiError) -> dict[str, Any]:
        """An event with a top-level ``error``, on which clients raise."""
        return error.envelope


def head_of(kind: str, request_id: str, created: int, model: str) -> dict[str, Any]:
    """The fields that a completion shares with its chunks."""
    return {"id": f"chatcmpl-{request_id}", "object": kind, "created": created, "model": model}


def choice_of(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """The one choice of a chunk."""
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def details(response: Response) -> dict[str, Any]:
    """The object ``septet``: what Septet knows of the answer beside OpenAI's fields."""
    return response.model_dump(mode="json", include=SHOWN, exclude_none=True)


def finish_reason_of(response: Response, *, is_refusal: bool = False) -> str:
    """``stop`` or ``content_filter``.

    OpenAI's clients raise an error on the content filter before they read a refusal, so a refusal ends with ``stop``.

    Raises:
        ApiError: the response has no answer.
    """
    if response.status not in _FINISH:
        raise of_failure(response.status, response.error)
    return "stop" if is_refusal else _FINISH[response.status]


def has_no_json(response: Response) -> bool:
    """Whether the answer is a text for a user, and not JSON: an abstention, or the reason of a refusal."""
    return response.answer is not None and response.answer_json is None and response.answer.strip() != "null"


def content_of(response: Response) -> str:
    """The text that a user reads."""
    if response.answer is not None:
        return response.answer
    if response.answer_json is not None:
        return json.dumps(response.answer_json, ensure_ascii=False)
    return ""
