"""``POST /v1/embeddings``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from septet_gateway.api.bodies import read_object
from septet_gateway.api.connection import while_connected
from septet_gateway.domain.embeddings import parse_embeddings
from septet_gateway.domain.errors import ApiError
from septet_gateway.domain.keys import Caller
from septet_gateway.ports import Embeddings
from septet_gateway.settings import GatewaySettings


class CreateEmbeddings:
    """Passes texts on to the embeddings endpoint."""

    def __init__(self, embeddings: Embeddings, settings: GatewaySettings) -> None:
        self._embeddings = embeddings
        self._names = {embeddings.model, *settings.embeddings_models}
        self._limit = settings.max_body

    async def __call__(self, request: Request, _: Caller) -> Response:
        """Handle one call."""
        body, given = parse_embeddings(await read_object(request, self._limit))
        if body.model not in self._names:
            message = f"there is no embeddings model `{body.model}`; the model is {self._embeddings.model}"
            raise ApiError(404, message, code="model_not_found", param="model")
        create = self._embeddings.create({**given, "model": self._embeddings.model}, body.model)
        embedded = await while_connected(request, create)
        request.state.admission.charge(embedded.tokens)
        return Response(embedded.body, media_type="application/json")
