"""Objects and events of OpenAI's Responses API, made from responses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from septet_contracts import Response

from septet_gateway.domain.completion import FILTERED, content_of, details, finish_reason_of, has_no_json
from septet_gateway.domain.errors import ApiError
from septet_gateway.domain.responses import ResponsesBody
from septet_gateway.domain.shown import Shown

Event = dict[str, Any]


class ResponseObject:
    """The object ``response`` of one call.

    Args:
        body: of the call.
        request_id: of the call.

    Attributes:
        is_structured: whether the client wants JSON; a text that is none is a refusal.
    """

    def __init__(self, body: ResponsesBody, request_id: str) -> None:
        # As text: small objects take 20 times the memory of their text, and a call may wait for a long time.
        self._echoed = json.dumps(
            {
                "instructions": body.instructions,
                "metadata": body.metadata,
                "model": body.model,
                "text": {"format": body.text.format},
                "tool_choice": body.tool_choice,
                "tools": body.tools,
            }
        )
        self.is_structured = body.text.format.get("type") != "text"
        self.response_id = f"resp_{request_id}"
        self.message_id = f"msg_{request_id}"

    def pending(self, created_at: int) -> dict[str, Any]:
        """The object while there is no answer."""
        return {
            "id": self.response_id,
            "object": "response",
            "created_at": created_at,
            "status": "in_progress",
            "background": False,
            "error": None,
            "incomplete_details": None,
            "max_output_tokens": None,
            "output": [],
            "parallel_tool_calls": False,
            "previous_response_id": None,
            "reasoning": None,
            "temperature": None,
            "top_p": None,
            "truncation": "disabled",
            "usage": None,
            "user": None,
            **json.loads(self._echoed),
        }

    def whole(self, response: Response) -> dict[str, Any]:
        """The object with its answer.

        Raises:
            ApiError: the response has no answer.
        """
        text = content_of(response)
        part = refusal_part(text) if self.is_refusal(response) else text_part(text)
        made = self.ended(response, part, is_filtered=self.is_filtered(response))
        return {**made, "created_at": int(response.occurred_at.timestamp())}

    def is_refusal(self, response: Response) -> bool:
        """Whether the text of a response is a refusal to a client that wants JSON."""
        return self.is_structured and has_no_json(response)

    def is_filtered(self, response: Response) -> bool:
        """Whether the object is incomplete, because a rail rejected the question or the answer.

        Raises:
            ApiError: the response has no answer.
        """
        return finish_reason_of(response, is_refusal=self.is_refusal(response)) == FILTERED

    def ended(
        self, response: Response, part: dict[str, Any], *, is_filtered: bool, created_at: int = 0
    ) -> dict[str, Any]:
        """The object with this part of the output item, and with what is known of the response."""
        status = "incomplete" if is_filtered else "completed"
        return {
            **self.pending(created_at),
            "status": status,
            "incomplete_details": {"reason": FILTERED} if is_filtered else None,
            "output": [self.item(status, [part])],
            "usage": _usage(response),
            "septet": details(response),
        }

    def item(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        """The output item."""
        return {
            "type": "message",
            "id": self.message_id,
            "role": "assistant",
            "status": status,
            "content": content,
        }


class ResponseEvents:
    """The events of a streamed response, numbered.

    Args:
        made: the object of the call.
        created_at: time of the call, in seconds.
    """

    ENDS_WITH_DONE: ClassVar[bool] = False

    def __init__(self, made: ResponseObject, created_at: int) -> None:
        self._made = made
        self._created_at = created_at
        self._sequence = 0
        self._shown = Shown()
        self._has_part = False

    def check(self, response: Response) -> None:
        """Check that a response has an answer.

        Raises:
            ApiError: it has none.
        """
        self._made.is_filtered(response)

    def opening(self) -> Iterator[Event]:
        """The first events."""
        yield self._event("response.created", response=self._made.pending(self._created_at))
        yield self.waiting()

    def waiting(self) -> Event:
        """An event that keeps a connection open; it may be repeated."""
        return self._event("response.in_progress", response=self._made.pending(self._created_at))

    def partial(self, text: str) -> Iterator[Event]:
        """The events with what is new in the answer so far. Only the response decides whether a text is a refusal."""
        if not self._made.is_structured and (new := self._shown.more(text)):
            yield from self._delta(new)

    def answer(self, response: Response) -> Iterator[Event]:
        """The events that complete the stream.

        An answer that does not begin with the text that was sent is in the object ``septet`` alone.

        Raises:
            ApiError: the response has no answer.
        """
        text, is_filtered = content_of(response), self._made.is_filtered(response)
        is_refusal = self._made.is_refusal(response)
        rest = self._shown.rest(text)
        if rest is None:
            text, is_filtered = self._shown.text, True
        part = refusal_part(text) if is_refusal else text_part(text)
        whole = self._made.ended(response, part, is_filtered=is_filtered, created_at=self._created_at)
        if rest is None:
            whole["septet"]["answer"] = content_of(response)
        place = self._place
        yield from self._delta(rest or "", is_refusal=is_refusal)
        if is_refusal:
            yield self._event("response.refusal.done", **place, refusal=text)
        else:
            yield self._event("response.output_text.done", **place, text=text, logprobs=[])
        yield self._event("response.content_part.done", **place, part=part)
        yield self._event("response.output_item.done", output_index=0, item=whole["output"][0])
        yield self._event(f"response.{whole['status']}", response=whole)

    def failure(self, error: ApiError) -> Event:
        """The event of an error. Clients raise on its field ``error``."""
        return self._event(
            "error", code=error.code, message=error.message, param=error.param, **error.envelope
        )

    @property
    def _place(self) -> Event:
        return {"item_id": self._made.message_id, "output_index": 0, "content_index": 0}

    def _delta(self, text: str, *, is_refusal: bool = False) -> Iterator[Event]:
        """The events of a text; the first one begins the output item."""
        if not self._has_part:
            self._has_part = True
            started = self._made.item("in_progress", [])
            yield self._event("response.output_item.added", output_index=0, item=started)
            part = refusal_part("") if is_refusal else text_part("")
            yield self._event("response.content_part.added", **self._place, part=part)
        if text and is_refusal:
            yield self._event("response.refusal.delta", **self._place, delta=text)
        elif text:
            yield self._event("response.output_text.delta", **self._place, delta=text, logprobs=[])

    def _event(self, kind: str, **fields: Any) -> Event:
        number = self._sequence
        self._sequence += 1
        return {"type": kind, "sequence_number": number, **fields}


def text_part(text: str) -> dict[str, Any]:
    """A part of the output item's content."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_part(text: str) -> dict[str, Any]:
    """The part of a refusal."""
    return {"type": "refusal", "refusal": text}


def _usage(response: Response) -> dict[str, Any]:
    used = response.usage
    return {
        "input_tokens": used.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": used.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": used.prompt_tokens + used.completion_tokens,
    }
