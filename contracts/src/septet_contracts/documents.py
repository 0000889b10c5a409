"""Documents to index, and the events that report their changes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from septet_contracts.envelope import Contract, EventV1, Tenant

DocumentId = Annotated[str, Field(min_length=1, max_length=512)]


class _DocumentEvent(Contract):
    contract: Literal["septet.document"] = "septet.document"
    version: Literal[1] = 1
    tenant: Tenant = "default"
    document_id: DocumentId
    revision: int | None = Field(
        default=None, ge=0, description="Increases with every change; an event with a lower one is ignored."
    )
    occurred_at: AwareDatetime | None = None


class UpsertDocument(_DocumentEvent):
    """Create a document, or replace its text."""

    CONTRACT: ClassVar[str] = "septet.document"
    action: Literal["upsert"] = "upsert"
    text: str = Field(max_length=1_000_000)
    title: str = Field(default="", max_length=1024)
    uri: str = Field(default="", max_length=2048)
    media_type: Literal["text/plain", "text/markdown", "text/html"] = "text/plain"
    language: str | None = Field(default=None, max_length=8)
    location: str = Field(default="", max_length=1024, description="Prefix of each passage's location.")


class DeleteDocument(_DocumentEvent):
    """Delete a document, and every cached answer that is based on it."""

    action: Literal["delete"]


class DocumentChanged(EventV1):
    """The search indexes hold the new state of a document. ``request_id`` is a digest of ``document_id``."""

    STEP: ClassVar[str] = "document-changed"
    contract: Literal["septet.document-changed"] = "septet.document-changed"
    document_id: DocumentId
    change: Literal["created", "updated", "deleted", "unchanged"]
    content_hash: str | None = None
    previous_hash: str | None = None
    passages: int = 0
    embedded: int = Field(default=0, description="Passages that had to be embedded for this change.")
    instructions: int = Field(
        default=0, ge=0, description="Instructions to the assistant that the document's passages contain."
    )
