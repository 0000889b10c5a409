"""Feedback on a response."""

from __future__ import annotations

from typing import Any

import pytest
from septet_client import InvalidInput, Septet
from septet_contracts import FlaggedSource, Thumbs

from .support import MemoryLog


async def test_feedback_names_the_response(septet: Septet, log: MemoryLog) -> None:
    response = await septet.ask("x")
    event = await septet.feedback(response, thumbs="down", comment="틀렸어요", user="u1")
    assert isinstance(event, Thumbs)
    assert (event.request_id, event.value, event.comment, event.user) == (
        response.request_id,
        "down",
        "틀렸어요",
        "u1",
    )
    topic, key, published = log.published[-1]
    assert (topic, published) == ("septet.feedback.v1", event)
    assert key == f"default:{response.request_id}".encode()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"thumbs": "up"}, "thumbs"),
        ({"stars": 4}, "rating"),
        ({"comment": "good"}, "comment"),
        ({"correction": "31 days"}, "correction"),
        ({"flagged_source": "leave.md", "reason": "old"}, "flagged_source"),
        ({"signal": "copied"}, "copied"),
        ({"signal": "regenerated"}, "regenerated"),
        ({"signal": "dismissed"}, "dismissed"),
        ({"dwell_s": 2.5}, "dwell"),
    ],
    ids=str,
)
async def test_every_kind_of_the_contract(septet: Septet, options: Any, kind: str) -> None:
    event = await septet.feedback("r1", feedback_id="fb-1", **options)
    assert (event.kind, event.feedback_id) == (kind, "fb-1")
    if isinstance(event, FlaggedSource):
        assert event.reason == "old"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"thumbs": "up", "stars": 3},
        {"thumbs": "up", "reason": "r"},
        {"stars": 9},
        {"colour": "red"},
        {"signal": "sold"},
    ],
    ids=str,
)
async def test_invalid_feedback_is_not_published(septet: Septet, log: MemoryLog, options: Any) -> None:
    with pytest.raises(InvalidInput):
        await septet.feedback("r1", **options)
    assert log.published == []
