"""``POST /v1/embeddings``."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from septet_gateway.api.bodies import read_object
from septet_gateway.api.connection import while_connected
from septet_gateway.domain.errors import ApiError, invalid
from septet_gateway.domain.keys import Caller
from septet_gateway.ports import Embeddings
from septet_gateway.settings import GatewaySettings

_MAX_TEXTS = 2048


class CreateEmbeddings:
    """Passes texts on to the embeddings endpoint."""

    def __init__(self, embeddings: Embeddings, settings: GatewaySettings) -> None:
        self._embeddings = embeddings
        self._names = {embeddings.model, *settings.embeddings_models}
        self._limit = settings.max_body

    async def __call__(self, request: Request, _: Caller) -> Response:
        """Handle one call."""
        body = {k: v for k, v in (await read_object(request, self._limit)).items() if v is not None}
        for name in ("model", "input"):
            if name not in body:
                raise invalid(name, f"{name}: Field required", "missing_required_parameter")
        if not isinstance(body["model"], str):
            raise invalid("model", "model: give a string", "invalid_value")
        if body["model"] not in self._names:
            message = f"there is no embeddings model `{body['model']}`; the model is {self._embeddings.model}"
            raise ApiError(404, message, code="model_not_found", param="model")
        if body.get("encoding_format", "float") not in ("float", "base64"):
            raise invalid("encoding_format", "encoding_format: give `float` or `base64`", "invalid_value")
        _check_length(body["input"])
        create = self._embeddings.create({**body, "model": self._embeddings.model}, body["model"])
        embedded = await while_connected(request, create)
        request.state.admission.charge(embedded.tokens)
        return Response(embedded.body, media_type="application/json")


def _check_length(given: Any) -> None:
    """Check the number of texts. A list of numbers is one text, as tokens.

    Raises:
        ApiError: 400.
    """
    if isinstance(given, list) and len(given) > _MAX_TEXTS and not isinstance(given[0], int):
        raise invalid("input", f"input: give at most {_MAX_TEXTS} texts", "invalid_value")
