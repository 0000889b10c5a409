"""Bodies of ``POST /v1/embeddings``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from septet_gateway.domain.errors import of_validation
from septet_gateway.domain.options import without_nulls

MAX_TEXTS = 2048
_TOKENS: dict[str, Any] = {"type": "array", "items": {"type": "integer"}}
_INPUT: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "maxItems": MAX_TEXTS},
        _TOKENS,
        {"type": "array", "items": _TOKENS, "maxItems": MAX_TEXTS},
    ]
}


def _checked(given: Any) -> Any:
    """Check the form and the number of texts. A list of numbers is one text, as tokens."""
    if isinstance(given, str) or _is_tokens(given):
        return given
    is_list = isinstance(given, list)
    if not is_list or not (all(isinstance(g, str) for g in given) or all(map(_is_tokens, given))):
        raise PydanticCustomError("texts", "give a text, a list of texts, or tokens")
    if len(given) > MAX_TEXTS:
        raise PydanticCustomError("texts", f"give at most {MAX_TEXTS} texts")
    return given


def _is_tokens(given: Any) -> bool:
    return isinstance(given, list) and all(type(token) is int for token in given)


class EmbeddingsBody(BaseModel):
    """The fields that the gateway reads; further fields are passed on.

    A field that is ``null`` counts as absent.
    """

    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1)
    input: Annotated[Any, AfterValidator(_checked), WithJsonSchema(_INPUT)]
    encoding_format: Literal["float", "base64"] = "float"


def parse_embeddings(body: dict[str, Any]) -> tuple[EmbeddingsBody, dict[str, Any]]:
    """Validate a body; returns it also without the fields that are ``null``.

    Raises:
        ApiError: status 400; ``param`` names the field.
    """
    given = without_nulls(body)
    try:
        return EmbeddingsBody.model_validate(given), given
    except ValidationError as error:
        raise of_validation(error) from None
