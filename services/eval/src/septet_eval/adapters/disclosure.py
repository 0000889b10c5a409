"""Disclosure: a response with the user's own values, made when it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from septet_kit.observe.logs import get_logger
from septet_kit.sealing import Sealer, SealError

from septet_eval.telemetry import count_disclosed

MISSING = "eval.restored_answer"
"""Entry of ``degraded`` in a response that keeps its placeholders."""

log = get_logger()


@dataclass(frozen=True)
class Disclosure:
    """Puts a sealed answer into the body of a response. Only the record on the responses topic has the result."""

    sealer: Sealer | None

    def __call__(self, value: bytes, sealed: str) -> bytes:
        """Return the response with the opened answer; with its placeholders if the answer cannot be opened."""
        body: dict[str, Any] = json.loads(value)
        try:
            answer = self._open(sealed, body["tenant"], body["request_id"])
        except SealError as error:
            count_disclosed("unreadable")
            log.warning(
                "the response keeps its placeholders", request_id=body["request_id"], reason=str(error)
            )
            body["degraded"] = [*body.get("degraded", ()), MISSING]
        else:
            count_disclosed("restored")
            body["answer"] = answer
            if "answer_json" in body:
                body["answer_json"] = json.loads(answer)
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def _open(self, sealed: str, tenant: str, request_id: str) -> str:
        if self.sealer is None:
            raise SealError("there is no key")
        return self.sealer.open(sealed, "answer", tenant, request_id)
