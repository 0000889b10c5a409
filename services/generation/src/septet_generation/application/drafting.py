"""Drafts an answer: calls the model of the request, then its fallbacks, within the deadline."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from septet_contracts import Draft, Grounded, Revision, Usage
from septet_kit import Context, advance
from septet_kit.errors import DeadlineExceeded, SeptetError, Transient
from septet_kit.observe import get_logger
from septet_kit.offload import Offload

from septet_generation.application.token_stream import Send, TokenStream
from septet_generation.domain.answer import without_tags
from septet_generation.domain.budget import answer_tokens
from septet_generation.domain.catalogue import Catalogue, Model
from septet_generation.domain.chat import ChatRequest, Completion
from septet_generation.domain.prompt import Prompt, Render, compose
from septet_generation.ports import ChatModel, Epochs
from septet_generation.telemetry import CallRecord, chat_span

STAGE = "generation"

# The HTTP client's timeout expires after the one here, so that a hang never looks like a broken connection.
_BACKSTOP_S = 1.0
log = get_logger()

_offload = Offload(inline=16_384)


@dataclass(frozen=True)
class Drafter:
    """Drafts answers. ``margin`` is the time before the deadline that is left for rails, scores and the response."""

    catalogue: Catalogue
    chat: ChatModel
    render: Render
    epochs: Epochs
    send: Send
    margin: timedelta = timedelta(milliseconds=500)
    stream_interval: timedelta = timedelta(milliseconds=100)
    capture_content: bool = False

    async def draft(self, event: Grounded | Revision, ctx: Context, attempt: int) -> Draft:
        """Call the model of ``event.ask.model``; on a transient error, its fallbacks in order.

        Raises:
            DeadlineExceeded: no time is left for a model call, or the last model did not finish in time.
            Transient: every model failed; this is the error of the last one.
            Permanent: the alias is unknown, or a model rejects the request.
        """
        chain = self.catalogue.chain(event.ask.model)
        down: list[str] = []
        for model in chain:
            prompt = await _offload(_size(event), compose, event, model, self.render)
            try:
                call = await self._call(event, ctx, model, prompt, attempt)
            except Transient as error:
                if model is chain[-1]:
                    raise
                log.warning("falling back", model=model.model, code=error.code, request_id=event.request_id)
                down.append(f"generation.{model.model}")
                continue
            fields = _fields(event, call) | {"degraded": (*event.degraded, *down)}
            return advance(event, Draft, ctx, stage=STAGE, item=str(attempt), attempt=attempt, **fields)
        raise AssertionError("a chain has at least one model")

    async def _call(
        self, event: Grounded | Revision, ctx: Context, model: Model, prompt: Prompt, attempt: int
    ) -> _Call:
        left = ctx.remaining() - self.margin.total_seconds()
        if left <= 0:
            raise DeadlineExceeded("the deadline leaves no time for a model call")
        limit = left if model.timeout is None else min(left, model.timeout.total_seconds())
        schema = event.ask.output_schema
        max_tokens = answer_tokens(model, event.language, schema, revised=isinstance(event, Revision))
        request = ChatRequest(model, prompt.messages, max_tokens, limit + _BACKSTOP_S, schema)
        tokens = await self._tokens(event, ctx, model, prompt, attempt)
        with chat_span(request, event.conversation_id, self.capture_content) as record:
            try:
                async with asyncio.timeout(limit) as scope:
                    completion = await self._read(request, record, tokens)
            except TimeoutError:
                if not scope.expired():
                    raise
                raise _timeout_error(model, limit, final=limit == left) from None
            record.done(completion)
        return _Call(model, prompt, completion, tokens)

    async def _read(self, request: ChatRequest, record: CallRecord, tokens: TokenStream | None) -> Completion:
        completion = Completion()
        async with aclosing(self.chat.stream(request)) as deltas:
            async for delta in deltas:
                completion.add(delta)
                if delta.text:
                    record.first_text()
                    if tokens:
                        tokens.add(delta.text)
        return completion

    async def _tokens(
        self, event: Grounded | Revision, ctx: Context, model: Model, prompt: Prompt, attempt: int
    ) -> TokenStream | None:
        """The stream of a call's text; ``None`` if no part of it can be shown before the answer is complete."""
        whole = event.contained or event.sealed is not None or event.ask.output_schema is not None
        if not event.ask.stream or whole:
            return None
        epoch = await self.epochs.next(event.tenant, event.request_id)
        fields: dict[str, Any] = {"answer": "", "model": model.model, "prompt_version": prompt.version}
        # The rails read no vectors, which have the size of a passage.
        fields |= {"question_vector": None, "question_embedding": None, "epoch": epoch, "attempt": attempt}
        draft = advance(event, Draft, ctx, stage=STAGE, item=str(attempt), **fields)
        return TokenStream(draft, epoch, self.send, self.stream_interval.total_seconds())


@dataclass(frozen=True)
class _Call:
    """A model call that succeeded."""

    model: Model
    prompt: Prompt
    completion: Completion
    tokens: TokenStream | None


def _fields(event: Grounded | Revision, call: _Call) -> dict[str, Any]:
    """Return the draft's fields that depend on the model call."""
    model, completion = call.model, call.completion
    answer = completion.text.strip()
    if event.ask.output_schema is None:
        answer = without_tags(answer)
    before = event.usage if isinstance(event, Revision) else Usage()
    return {
        "answer": answer,
        "model": completion.response_model or model.model,
        "prompt_version": call.prompt.version,
        "usage": before + model.usage(completion.prompt_tokens, completion.completion_tokens),
        "finish_reason": completion.finish_reason or "stop",
        "epoch": call.tokens.epoch if call.tokens else None,
        "chunks": call.tokens.chunks if call.tokens else 0,
    }


def _size(event: Grounded | Revision) -> int:
    """Return the number of characters that the prompt is made from."""
    texts = (*(m.content for m in event.ask.messages or ()), *(p.text for p in event.passages))
    return len(event.ask.query) + sum(map(len, texts))


def _timeout_error(model: Model, limit: float, *, final: bool) -> SeptetError:
    message = f"{model.model} at {model.url} did not finish within {limit:.1f} s"
    return DeadlineExceeded(message) if final else Transient("model_timeout", message)
