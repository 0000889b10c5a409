"""The operations of the API: what each call takes and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_LIMITS = (401, 403, 429, 500, 503)
_BODY = (400, 408, 413, *_LIMITS)
_ASK = (*_BODY, 409, 504)
_MODEL = (*_ASK, 404, 502)


@dataclass(frozen=True)
class Answer:
    """An answer of a call.

    Attributes:
        about: its meaning.
        schema: component of its body.
        events: components of its events, if the answer may be a stream.
        last: text of the last event, if it is no JSON.
        headers: components of its headers.
    """

    about: str
    schema: str
    events: tuple[str, ...] = ()
    last: str | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """A call.

    Attributes:
        scope: what the API key needs; empty if every key will do, ``None`` if the call needs no key.
        parameters: components of its parameters.
        body: component of its body; ``None`` without one.
        answers: by status.
        errors: statuses of its errors.
    """

    method: str
    path: str
    name: str
    tag: str
    about: str
    scope: str | None
    answers: Mapping[int, Answer]
    errors: tuple[int, ...] = _LIMITS
    parameters: tuple[str, ...] = ()
    body: str | None = None
    note: str = ""


_REQUEST_ID = ("XRequestId",)
_ASK_PARAMETERS = ("IdempotencyKey", "Traceparent", "Tracestate")
_DOCUMENT_STATES = {
    200: Answer("The search indexes hold the state.", "DocumentState"),
    202: Answer("The document is on the log, and not in the search indexes yet.", "PendingDocument"),
}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/chat/completions",
        "createChatCompletion",
        "OpenAI",
        "Answer a conversation, whole or as a stream.",
        "ask",
        {
            200: Answer(
                "The answer.", "ChatCompletion", ("ChatCompletionChunk", "Error"), "[DONE]", _REQUEST_ID
            )
        },
        _MODEL,
        _ASK_PARAMETERS,
        "ChatBody",
    ),
    Operation(
        "POST",
        "/v1/responses",
        "createResponse",
        "OpenAI",
        "Answer a text or a conversation in the form of the Responses API.",
        "ask",
        {200: Answer("The answer.", "ResponseObject", ("ResponseStreamEvent",), headers=_REQUEST_ID)},
        _MODEL,
        _ASK_PARAMETERS,
        "ResponsesBody",
        "`previous_response_id`, `conversation`, `background` and `prompt` are refused with status 400.",
    ),
    Operation(
        "POST",
        "/v1/embeddings",
        "createEmbeddings",
        "OpenAI",
        "Embed texts with the model of the embeddings endpoint.",
        "ask",
        {200: Answer("The vectors.", "EmbeddingList")},
        (*_BODY, 404, 502),
        body="EmbeddingsBody",
    ),
    Operation(
        "GET",
        "/v1/models",
        "listModels",
        "OpenAI",
        "List the model names that the calls accept.",
        "ask",
        {200: Answer("The models.", "ModelList")},
    ),
    Operation(
        "GET",
        "/v1/models/{model}",
        "getModel",
        "OpenAI",
        "Get one model.",
        "ask",
        {200: Answer("The model.", "ModelItem")},
        (*_LIMITS, 404),
        ("Model",),
    ),
    Operation(
        "POST",
        "/v1/septet/requests",
        "ask",
        "Septet",
        "Publish a request and return its response.",
        "ask",
        {
            200: Answer("The response, also one that reports a failure.", "Response", headers=_REQUEST_ID),
            202: Answer(
                "The request is on the log, and the client prefers not to wait for the response.",
                "PendingResponse",
                headers=(*_REQUEST_ID, "Location", "PreferenceApplied", "RetryAfter"),
            ),
        },
        _ASK,
        (*_ASK_PARAMETERS, "Prefer"),
        "RequestBody",
    ),
    Operation(
        "DELETE",
        "/v1/septet/requests/{request_id}",
        "cancelRequest",
        "Septet",
        "Cancel an earlier request of this tenant.",
        "ask",
        {202: Answer("The cancellation is on the log.", "CancellingRequest", headers=_REQUEST_ID)},
        (*_LIMITS, 404),
        ("RequestId",),
        note="Without an effect if the request has its response.",
    ),
    Operation(
        "POST",
        "/v1/septet/checks",
        "check",
        "Septet",
        "Check a question, and an answer if there is one, by the rails alone.",
        "ask",
        {200: Answer("A response with the verdicts.", "Response", headers=_REQUEST_ID)},
        _ASK,
        _ASK_PARAMETERS,
        "CheckBody",
    ),
    Operation(
        "GET",
        "/v1/septet/responses/{request_id}",
        "getResponse",
        "Septet",
        "Get the response to an earlier request of this tenant.",
        "ask",
        {
            200: Answer("The response.", "Response", headers=_REQUEST_ID),
            202: Answer("There is no response yet.", "PendingResponse", headers=("RetryAfter",)),
        },
        (*_LIMITS, 404),
        ("RequestId",),
    ),
    Operation(
        "POST",
        "/v1/septet/feedback",
        "sendFeedback",
        "Septet",
        "Publish feedback on an answer.",
        "feedback",
        {202: Answer("The feedback is on the log.", "AcceptedFeedback")},
        _BODY,
        ("IdempotencyKey",),
        "FeedbackBody",
    ),
    Operation(
        "PUT",
        "/v1/septet/documents/{document_id}",
        "putDocument",
        "Septet",
        "Create a document, or replace its text.",
        "documents",
        _DOCUMENT_STATES,
        _BODY,
        ("DocumentId", "Wait"),
        "DocumentBody",
    ),
    Operation(
        "DELETE",
        "/v1/septet/documents/{document_id}",
        "deleteDocument",
        "Septet",
        "Delete a document, and every cached answer that is based on it.",
        "documents",
        _DOCUMENT_STATES,
        (*_LIMITS, 400, 413),
        ("DocumentId", "Wait", "Revision"),
    ),
    Operation(
        "POST",
        "/v1/septet/session",
        "createSession",
        "Septet",
        "Set a session cookie for a browser.",
        "",
        {200: Answer("The tenant and the scopes of the key.", "Session")},
        note="The cookie is `HttpOnly` and `SameSite=Strict`. A call with it also needs the header `X-Septet-Console`.",
    ),
    Operation(
        "GET",
        "/v1/septet/session",
        "getSession",
        "Septet",
        "Get the tenant and the scopes of the caller.",
        "",
        {200: Answer("The tenant and the scopes of the key.", "Session")},
    ),
    Operation(
        "DELETE",
        "/v1/septet/session",
        "deleteSession",
        "Septet",
        "Remove the session cookie.",
        "",
        {200: Answer("The tenant and the scopes of the key.", "Session")},
    ),
    Operation(
        "GET",
        "/openapi.json",
        "getOpenApi",
        "Septet",
        "Get this document.",
        None,
        {200: Answer("The document.", "OpenApi")},
        (500,),
    ),
)
