"""Chunking takes linear time, and extreme documents do not break it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from septet_contracts import UpsertDocument
from septet_kit import KitSettings
from septet_kit.hostile import UNITS, growth, text
from septet_kit.namespace import LIVE
from septet_kit.testing import context
from septet_retrieval.application.ingest import Incoming, Ingested
from septet_retrieval.domain.answerability import coefficients
from septet_retrieval.domain.chunking import Limits, chunk, markdown
from septet_retrieval.domain.chunking.blocks import Kind
from septet_retrieval.domain.evidence import Terms
from septet_retrieval.domain.revisions import Decision, State
from septet_retrieval.handlers import DocumentsHandler
from septet_retrieval.settings import RetrievalSettings

FUNCTIONS: dict[str, Callable[[str], object]] = {
    "plain": lambda source: chunk(source, "text/plain"),
    "markdown": lambda source: chunk(source, "text/markdown"),
    "html": lambda source: chunk(source, "text/html"),
    "terms": Terms.of,
}


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_time_is_linear_in_the_length(function: Callable[[str], object]) -> None:
    steep = {name: ratio for name in UNITS if (ratio := growth(function, name, 3_000)) > 9}
    assert steep == {}


@pytest.mark.parametrize(
    "source", ["<div>" * 50_000 + "deep", "<b>" * 50_000 + "deep", "<table><tr><td>" * 20_000 + "deep"]
)
def test_nesting_of_any_depth_is_read(source: str) -> None:
    assert [piece.text for piece in chunk(source, "text/html")] == ["deep"]


@pytest.mark.parametrize(
    ("source", "visible"),
    [
        ("<p>One</p><!-- two", "One"),
        ("<p>One</p><script>two", "One"),
        ("<p>One</p><![x two", "One"),
        ("<p>One</p>a <b and c", "One\n\na <b and c"),
        ("<p>One <![if x]>two", "One two"),
        ("a &lt; b &#x41; &bogus; <", "a < b A &bogus; <"),
        ("<p>One</p>" + "<a" * 60_000, None),
        ("x<!--" + "y" * 100_000 + "-->z", "xz"),
        ("x<script>" + "y" * 100_000 + "</script>z", "xz"),
    ],
)
def test_broken_html_keeps_its_text(source: str, visible: str | None) -> None:
    found = "\n\n".join(piece.text for piece in chunk(source, "text/html"))
    assert found == visible if visible is not None else found.startswith("One")


def test_a_table_in_a_cell_adds_its_rows() -> None:
    page = "<table><tr><td>a</td><td><table><tr><td>b</td><td>c</td></tr></table></td></tr><tr><td>d</td></tr></table>"
    (piece,) = chunk(page, "text/html")
    assert piece.text.splitlines() == ["a | ", "b | c", "d"]


GUIDE = "# A\n\nText of the guide.\n\n```\ncode\n\n# no heading\n```\n\n- item\n- item\n\n## B\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n"


def test_markdown_chunks_do_not_depend_on_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    source = GUIDE * 30
    whole = chunk(source, "text/markdown", limits=Limits(120, 200, 40, 150))
    monkeypatch.setattr(markdown, "_SEGMENT", 150)
    assert chunk(source, "text/markdown", limits=Limits(120, 200, 40, 150)) == whole


def test_a_fence_longer_than_a_segment_stays_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "_SEGMENT", 100)
    code = "````\n" + "# code\n\n```\n" * 50 + "````\n"
    first, *others = markdown.markdown_blocks(f"{code}# Heading\n\ntext")
    assert (first.start, first.end, first.kind) == (0, len(code), Kind.LINES)
    assert [block.path for block in others] == [("Heading",)] * 2


def test_headings_without_text_make_no_giant_passage() -> None:
    pieces = chunk("# heading\n" * 2_000, "text/markdown")
    assert max(len(piece.text) for piece in pieces) <= Limits().maximum * 1.2


async def test_long_documents_are_split_in_a_thread_and_short_ones_on_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[int] = []

    class Ingestor:
        async def submit(self, incoming: Incoming) -> Ingested:
            state = State(1, None, incoming.content_hash, None, "created", 1, 0, incoming.origin)
            return Ingested(Decision.APPLY, state)

    original = DocumentsHandler._incoming

    def noting(self: DocumentsHandler, *args: Any) -> Incoming:
        threads.append(threading.get_ident())
        return original(self, *args)

    monkeypatch.setattr(DocumentsHandler, "_incoming", noting)
    ingestor: Any = Ingestor()
    handler = DocumentsHandler(ingestor, RetrievalSettings())
    for size in (100, 100_000):
        event = UpsertDocument(document_id="d", text=text("english", size))
        await handler(event, context("documents"))
    assert threads[0] == threading.get_ident() != threads[1]


async def test_the_wiring_loads_the_answerability_coefficients(monkeypatch: pytest.MonkeyPatch) -> None:
    from septet_retrieval import app

    coefficients.cache_clear()

    def no_database(*_: Any) -> Any:
        raise ConnectionError

    kit: Any = SimpleNamespace(settings=KitSettings(), open_pool=no_database, names=LIVE)
    with pytest.raises(ConnectionError):
        await app.wire(kit).__aenter__()
    assert coefficients.cache_info().currsize == 1
