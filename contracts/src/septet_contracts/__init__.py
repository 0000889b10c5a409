"""The wire of Septet: what services and clients must agree on, and nothing else.

Every event is a JSON object with an :class:`Envelope`. ``TOPICS`` says which event travels where,
``encode`` and ``decode`` turn events into record values and back, and ``event_id`` names an event so
that a redelivered message produces the same event again.
"""

from septet_contracts.codec import (
    MAX_BODY_BYTES,
    ContractError,
    Partial,
    decode,
    encode,
    peek,
    request_digest,
)
from septet_contracts.documents import DeleteDocument, DocumentChanged, UpsertDocument
from septet_contracts.envelope import Contract, Envelope, Identified, event_id, record_key
from septet_contracts.feedback import (
    Comment,
    Copied,
    Correction,
    Dismissed,
    Dwell,
    FeedbackEvent,
    FlaggedSource,
    Label,
    Rating,
    Regenerated,
    Thumbs,
)
from septet_contracts.flow import Draft, Flow, Grounded, Missed, Outcome, Revision, Screened
from septet_contracts.parts import (
    Answerability,
    CacheCheck,
    CacheInfo,
    Embedding,
    ErrorInfo,
    Passage,
    Quote,
    RetrievalInfo,
    Score,
    Source,
    StageTiming,
    Usage,
    Verdict,
)
from septet_contracts.request import Ask, CacheWish, Message, Request, RetrievalWish
from septet_contracts.response import Evaluation, ModelAlias, Response, TokenChunk
from septet_contracts.tenancy import (
    SHARED,
    ClientAccess,
    client_access,
    own_topics,
    split,
    tenant_topic,
    topics_for,
)
from septet_contracts.topics import SERVICES, TOPICS, Topic, dead_letter_topic, topic

__all__ = [
    "MAX_BODY_BYTES", "SERVICES", "SHARED", "TOPICS", "Answerability", "Ask", "CacheCheck", "CacheInfo", "CacheWish", "ClientAccess",
    "Comment", "Contract", "ContractError", "Copied", "Correction", "DeleteDocument", "Dismissed",
    "DocumentChanged", "Draft", "Dwell", "Embedding", "Envelope", "ErrorInfo", "Evaluation", "FeedbackEvent",
    "FlaggedSource", "Flow", "Grounded", "Identified", "Label", "Message", "Missed", "ModelAlias", "Outcome",
    "Partial", "Passage", "Quote", "Rating", "Regenerated", "Request", "Response", "RetrievalInfo",
    "RetrievalWish", "Revision", "Score", "Screened", "Source", "StageTiming", "Thumbs", "TokenChunk", "Topic",
    "UpsertDocument", "Usage", "Verdict", "client_access", "dead_letter_topic", "decode", "encode", "event_id", "own_topics", "peek", "record_key",
    "request_digest", "split", "tenant_topic", "topic", "topics_for",
]  # fmt: skip
