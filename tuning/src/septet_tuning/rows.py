"""One row of a dataset, by kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["sft", "preference", "kto", "triples", "guard", "classification"]


class Origin(BaseModel):
    """What a row was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["feedback", "traffic", "file"]
    tenant: str | None = None
    request_id: str | None = None
    conversation_id: str | None = None
    user: str | None = Field(default=None, description="Pseudonym of the user whose feedback gave the label.")
    documents: tuple[tuple[str, int | str | None], ...] = Field(
        default=(), description="Documents that the row contains text of: id and version."
    )
    occurred_at: str | None = Field(default=None, description="ISO 8601.")


class Row(BaseModel):
    """Fields of all kinds. ``weight`` scales the loss; the weights of one user are capped."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=128)
    weight: float = Field(default=1.0, gt=0, le=1)
    language: str | None = Field(default=None, description="ISO 639-1.")
    origin: Origin


class Message(BaseModel):
    """A message of a chat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str


class Demonstration(Row):
    """Supervised fine-tuning. The last message is the target, of role ``assistant``."""

    kind: Literal["sft"] = "sft"
    messages: tuple[Message, ...] = Field(min_length=2)


class Preference(Row):
    """A pair of answers to one prompt, for DPO."""

    kind: Literal["preference"] = "preference"
    prompt: tuple[Message, ...] = Field(min_length=1)
    chosen: str = Field(min_length=1)
    rejected: str = Field(min_length=1)


class Desirability(Row):
    """An answer that is desirable or not, for KTO."""

    kind: Literal["kto"] = "kto"
    prompt: tuple[Message, ...] = Field(min_length=1)
    completion: str = Field(min_length=1)
    label: bool


class Triple(Row):
    """A question, a cited passage, and passages that were found and not cited, or flagged."""

    kind: Literal["triples"] = "triples"
    question: str = Field(min_length=1)
    positive: str = Field(min_length=1)
    negatives: tuple[str, ...] = ()


class GuardExample(Row):
    """A text on which a guardrail was right or wrong."""

    kind: Literal["guard"] = "guard"
    rail: str = Field(min_length=1)
    text: str = Field(min_length=1)
    label: Literal["block", "pass"] = Field(description="What the rail should decide.")
    decided: Literal["block", "pass"] | None = Field(default=None, description="What the rail decided.")


class Classified(Row):
    """A text and its class."""

    kind: Literal["classification"] = "classification"
    text: str = Field(min_length=1)
    label: str = Field(min_length=1, max_length=128)


AnyRow = Annotated[
    Demonstration | Preference | Desirability | Triple | GuardExample | Classified,
    Field(discriminator="kind"),
]
