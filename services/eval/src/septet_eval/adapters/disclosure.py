"""Disclosure: a response with the user's own values, made when it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from septet_kit.observe.logs import get_logger
from septet_kit.sealing import Sealer, SealError
from septet_kit.store.outbox import MAX_VALUE

from septet_eval.telemetry import count_disclosed

MISSING = "eval.restored_answer"
"""Entry of ``degraded`` in a response that keeps its placeholders."""

log = get_logger()


@dataclass(frozen=True)
class Disclosure:
    """Puts a sealed answer into the body of a response. Only the record on the responses topic has the result."""

    sealer: Sealer | None

    def __call__(self, value: bytes, sealed: str) -> bytes:
        """Return the response with the opened answer.

        It keeps its placeholders, and ``degraded`` has an entry, if the answer cannot be opened, is not the JSON that
        the response has, or makes the response too large.
        """
        body: dict[str, Any] = json.loads(value)
        try:
            opened = self._opened(body, sealed)
        except SealError as error:
            return _masked(body, "unreadable", str(error))
        except (ValueError, RecursionError) as error:
            return _masked(body, "invalid", type(error).__name__)
        if len(opened) > MAX_VALUE:
            return _masked(body, "too_large", f"the response would have {len(opened)} bytes")
        count_disclosed("restored")
        return opened

    def _opened(self, body: dict[str, Any], sealed: str) -> bytes:
        if self.sealer is None:
            raise SealError("there is no key")
        answer = self.sealer.open(sealed, "answer", body["tenant"], body["request_id"])
        parsed = {"answer_json": json.loads(answer)} if "answer_json" in body else {}
        return _encoded(body | {"answer": answer} | parsed)


def _masked(body: dict[str, Any], result: str, reason: str) -> bytes:
    # The reason never holds a message of the JSON parser: it could quote a value.
    count_disclosed(result)
    log.warning("the response keeps its placeholders", request_id=body["request_id"], reason=reason)
    return _encoded(body | {"degraded": [*body.get("degraded", ()), MISSING]})


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
