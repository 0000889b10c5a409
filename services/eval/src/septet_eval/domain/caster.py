"""Cast a response to an earlier major version, for clients that read it."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from septet_contracts import CacheInfo, Embedding, ErrorInfo, Response, ResponseV1, Verdict, response_v1

from septet_eval.domain.response import Publication

NEWEST = 2
VERSIONS = (1, NEWEST)

_STATUSES = get_args(response_v1.Status)
_DECISIONS = get_args(response_v1.Decision)
_CACHE_STATUSES = get_args(response_v1.CacheStatus)
_ANSWER_KINDS = get_args(response_v1.AnswerKind)
_DIGITS = 8
"""Decimals that represent a float32 of a unit vector."""
_SHARED = tuple(
    name
    for name in Response.model_fields
    if name in ResponseV1.model_fields and name not in ("contract", "version")
)


def to_v1(publication: Publication) -> ResponseV1:
    """The response in major version 1, with the internal facts that this version contains.

    Its event id does not depend on the newer versions.
    """
    response, release = publication.response, publication.release
    fields: dict[str, Any] = {name: getattr(response, name) for name in _SHARED}
    fields |= {
        "event_id": publication.first_id,
        "answer_kind": response.answer_kind if response.answer_kind in _ANSWER_KINDS else "none",
        "verdicts": tuple(map(_verdict, response.verdicts)),
        "cache": _cache(response.cache),
        "cache_key": release.cache_key,
        "admissible": release.admissible,
        "admission_reason": release.admission_reason,
        "request_digest": release.request_digest,
        "question_embedding": _decimals(publication.question_vector),
    }
    if response.status not in _STATUSES:
        fields |= {"status": "failed", "answer": None, "answer_json": None, "error": _error(response)}
    return ResponseV1.model_validate(fields, from_attributes=True)


def _verdict(verdict: Verdict) -> Verdict:
    """Cast an unknown decision to ``block``, the strictest one."""
    known = verdict.decision in _DECISIONS
    return verdict if known else verdict.model_copy(update={"decision": "block"})


def _cache(info: CacheInfo | None) -> CacheInfo | None:
    """Cast an unknown status to ``bypass``."""
    known = info is None or info.status in _CACHE_STATUSES
    return info if known or info is None else info.model_copy(update={"status": "bypass"})


def _error(response: Response) -> ErrorInfo:
    return response.error or ErrorInfo(
        code="unknown_status",
        message=f"the status {response.status!r} is not known in version 1",
        field="status",
        fix="read septet.responses.v2",
        stage="eval",
    )


def _decimals(vector: Embedding | None) -> dict[str, Any] | None:
    if vector is None:
        return None
    numbers = np.asarray(vector.vector, dtype=np.float64)
    return {"model": vector.model, "vector": np.round(numbers, _DIGITS).tolist()}
