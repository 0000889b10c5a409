"""The requests of the page about cache keys get what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from septet_contracts import CacheInfo, Missed, Request
from septet_kit.text import has_hangul

from .harness import Cache

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "cache-keys.md"
_EXAMPLE = re.compile(r"```json\n(?P<first>.+)\n```\n\n\| request \|.+\n\|[-| ]+\n(?P<rows>(?:\|.+\n)+)")
_ROW = re.compile(r"\| `(.+)` \| `(\w+)` \|")


def _examples() -> list[tuple[str, list[tuple[str, str]]]]:
    found = _EXAMPLE.finditer(PAGE.read_text("utf-8"))
    return [(m["first"], _ROW.findall(m["rows"])) for m in found]


async def _ask(cache: Cache, body: str, request_id: str) -> Any:
    request = Request.model_validate_json(body.replace("{", f'{{"request_id": "{request_id}", ', 1))
    language = "ko" if has_hangul(request.query) else "en"
    fields = {"retrieval": request.retrieval, "model": request.model, "cache": request.cache}
    return await cache.ask(
        request.query, request_id=request_id, tenant=request.tenant, language=language, **fields
    )


@pytest.mark.parametrize(("first", "rows"), _examples())
async def test_later_requests_get_what_the_page_says(
    cache: Cache, first: str, rows: list[tuple[str, str]]
) -> None:
    missed = await _ask(cache, first, "r-1")
    assert isinstance(missed, Missed)
    await cache.admit(missed, language=missed.language)
    for body, status in rows:
        event = await _ask(cache, body, "r-2")
        assert isinstance(event.cache, CacheInfo)
        assert event.cache.status == status, body


def test_the_page_covers_items_pairs_slots_and_scopes() -> None:
    examples = _examples()
    assert [len(rows) for _, rows in examples] == [6, 2, 3, 1, 3]
    assert sum(line.startswith("| `{") for line in PAGE.read_text("utf-8").splitlines()) == 15
    for body in re.findall(r"```json\n(.+)\n```", PAGE.read_text("utf-8")):
        assert set(json.loads(body)) <= Request.model_fields.keys()
