"""Models of the JSON objects in answers. They only document; the domain makes the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, create_model
from pydantic.json_schema import SkipJsonSchema
from septet_contracts import Response
from septet_contracts.documents import DocumentId
from septet_contracts.envelope import Contract

from septet_gateway.domain.completion import SHOWN

if TYPE_CHECKING:
    SeptetDetails = Contract
else:
    SeptetDetails = create_model(
        "SeptetDetails",
        __base__=Contract,
        __doc__="What Septet knows of an answer beside OpenAI's fields.",
        **{name: (field.annotation, field) for name, field in Response.model_fields.items() if name in SHOWN},
    )


class NewEpoch(BaseModel):
    """The text so far is void, and the text that follows replaces it. Only clients with `septet.epochs` get it."""

    epoch: int = Field(ge=2)


class ErrorDetails(BaseModel):
    """An error. ``param`` names the field of the body."""

    message: str
    type: Literal[
        "invalid_request_error",
        "authentication_error",
        "permission_error",
        "rate_limit_error",
        "timeout_error",
        "server_error",
    ]
    param: str | None
    code: str | None


class Error(BaseModel):
    """An error in OpenAI's envelope."""

    error: ErrorDetails


class TokenUsage(BaseModel):
    """Tokens of the model calls."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"]
    content: str | None = Field(description="`null` if there is a refusal.")
    refusal: str | None = Field(
        description="The text that a user reads, if the body wants JSON and the answer is none."
    )
    septet: SeptetDetails


class Choice(BaseModel):
    """The one choice of a completion."""

    index: Literal[0]
    message: AnswerMessage
    logprobs: None
    finish_reason: Literal["stop", "content_filter"] = Field(
        description="`content_filter` if a rail blocked the question or refused the answer, and the body wants no JSON."
    )


class ChatCompletion(BaseModel):
    """An answer to a conversation."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice] = Field(min_length=1, max_length=1)
    usage: TokenUsage


class Delta(BaseModel):
    """New text of a streamed answer; empty in a chunk that keeps the connection open."""

    role: Literal["assistant"] | SkipJsonSchema[None] = None
    content: str | SkipJsonSchema[None] = None
    refusal: str | SkipJsonSchema[None] = None


class ChunkChoice(BaseModel):
    """The one choice of a chunk."""

    index: Literal[0]
    delta: Delta
    logprobs: None
    finish_reason: Literal["stop", "content_filter"] | None


class ChatCompletionChunk(BaseModel):
    """One event of a streamed completion. The stream ends with the text `[DONE]`."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice] = Field(max_length=1)
    usage: TokenUsage | SkipJsonSchema[None] = None
    septet: SeptetDetails | NewEpoch | SkipJsonSchema[None] = Field(
        default=None,
        description="In the last chunk with a choice, and in chunks that begin another epoch.",
    )


class OutputText(BaseModel):
    """The text of an output item."""

    type: Literal["output_text"]
    text: str
    annotations: list[Any] = Field(max_length=0)
    logprobs: list[Any] = Field(max_length=0)


class OutputRefusal(BaseModel):
    """The text that a user reads, if the body wants JSON and the answer is none."""

    type: Literal["refusal"]
    refusal: str


class OutputMessage(BaseModel):
    """The output item with the answer."""

    type: Literal["message"]
    id: str
    role: Literal["assistant"]
    status: Literal["in_progress", "completed", "incomplete"]
    content: list[OutputText | OutputRefusal] = Field(max_length=1)


class IncompleteDetails(BaseModel):
    """Why a response is incomplete."""

    reason: Literal["content_filter"]


class InputTokensDetails(BaseModel):
    """Input tokens by kind."""

    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(BaseModel):
    """Output tokens by kind."""

    reasoning_tokens: int


class ResponseUsage(BaseModel):
    """Tokens of the model calls."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class ResponseObject(BaseModel):
    """An answer in the form of the Responses API."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["in_progress", "completed", "incomplete"]
    background: Literal[False]
    error: None
    incomplete_details: IncompleteDetails | None
    instructions: str | None
    max_output_tokens: None
    metadata: dict[str, str]
    model: str
    output: list[OutputMessage] = Field(max_length=1)
    parallel_tool_calls: Literal[False]
    previous_response_id: None
    reasoning: None
    temperature: None
    text: dict[str, Any]
    tool_choice: Literal["auto", "none"]
    tools: list[dict[str, Any]]
    top_p: None
    truncation: Literal["disabled"]
    usage: ResponseUsage | None
    user: None
    septet: SeptetDetails | SkipJsonSchema[None] = None


class ResponseStreamEvent(BaseModel):
    """One event of a streamed response. Its other fields depend on its type."""

    type: Literal[
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.refusal.delta",
        "response.refusal.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
        "response.incomplete",
        "error",
    ]
    sequence_number: int = Field(ge=0)
    response: ResponseObject | SkipJsonSchema[None] = None
    item: OutputMessage | SkipJsonSchema[None] = None
    part: OutputText | OutputRefusal | SkipJsonSchema[None] = None
    delta: str | SkipJsonSchema[None] = None
    text: str | SkipJsonSchema[None] = None
    refusal: str | SkipJsonSchema[None] = None
    error: ErrorDetails | SkipJsonSchema[None] = None


class EmbeddingItem(BaseModel):
    """The vector of one text."""

    index: int = 0
    embedding: list[float] | str = Field(description="Numbers, or little-endian float32 in base64.")


class EmbeddingList(BaseModel):
    """The vectors of texts."""

    object: Literal["list"] = "list"
    data: list[EmbeddingItem]
    model: str


class ModelItem(BaseModel):
    """A model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"]
    data: list[ModelItem]


class PendingResponse(BaseModel):
    """A request without a response so far."""

    request_id: str
    status: Literal["pending"]


class CancellingRequest(BaseModel):
    """A request whose cancellation is on the log."""

    request_id: str
    status: Literal["cancelling"]


class PendingDocument(BaseModel):
    """A document that is on the log, and not in the search indexes yet."""

    document_id: DocumentId
    status: Literal["pending"]


class DocumentState(BaseModel):
    """A document as the search indexes hold it."""

    document_id: DocumentId
    status: Literal["indexed", "deleted"]
    change: Literal["created", "updated", "deleted", "unchanged"]
    content_hash: str | SkipJsonSchema[None] = None
    passages: int
    embedded: int = Field(description="Passages that had to be embedded for this change.")


class AcceptedFeedback(BaseModel):
    """Feedback that is on the log."""

    feedback_id: str
    status: Literal["accepted"]


class Session(BaseModel):
    """The caller, as its key describes it."""

    tenant: str
    key_id: str
    scopes: list[str]
