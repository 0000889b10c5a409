"""One suite for ``LexicalIndex``, run on every adapter."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from septet_kit import Transient
from septet_retrieval.adapters.opensearch import open_index
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.domain.chunking import Limits
from septet_retrieval.domain.passages import Document, to_passages
from septet_retrieval.ports import DocumentPassages, LexicalIndex
from septet_retrieval.settings import OpenSearchSettings

from tests.support.opensearch import temporary_cluster

DEQUE = "A deque is a double-ended queue. It supports fast appends on both ends."
HEAP = "A heap queue is also known as the priority queue algorithm."


def change(document_id: str, text: str | None, sequence: int, title: str = "") -> DocumentPassages:
    """Return a document's state at ``sequence``; without text it is deleted."""
    document = Document("tenant", document_id, text or "", title=title)
    return DocumentPassages(document_id, sequence, to_passages(document, Limits()))


async def found(index: LexicalIndex, question: str, tenant: str = "acme") -> list[str]:
    return [hit.passage.document_id for hit in await index.search(tenant, question, 10)]


class LexicalSuite(ABC):
    """Tests of every lexical index."""

    @pytest.fixture
    @abstractmethod
    def lexical(self) -> LexicalIndex: ...

    async def test_an_empty_index_finds_nothing(self, lexical: LexicalIndex) -> None:
        assert await lexical.search("acme", "deque", 10) == []
        assert await lexical.position("acme") == 0
        await lexical.check()

    async def test_an_applied_passage_is_found_as_a_whole(self, lexical: LexicalIndex) -> None:
        applied = change("d1", DEQUE, 1, title="collections.deque")
        await lexical.apply("acme", [applied, change("d2", HEAP, 2)], 2)
        hits = await lexical.search("acme", "Which appends are fast?", 10)
        assert [hit.passage for hit in hits] == list(applied.passages)
        assert [hit.passage_id for hit in hits] == [passage.passage_id for passage in applied.passages]
        assert hits[0].score > 0
        assert await lexical.position("acme") == 2

    async def test_best_first(self, lexical: LexicalIndex) -> None:
        await lexical.apply("acme", [change("d1", DEQUE, 1), change("d2", HEAP, 2)], 2)
        assert await found(lexical, "heap queue") == ["d2", "d1"]
        scores = [hit.score for hit in await lexical.search("acme", "heap queue", 10)]
        assert scores == sorted(scores, reverse=True)

    async def test_the_title_counts(self, lexical: LexicalIndex) -> None:
        plain, titled = change("d1", HEAP, 1), change("d2", HEAP, 2, title="heapq")
        await lexical.apply("acme", [plain, titled], 2)
        assert await found(lexical, "heapq") == ["d2"]

    async def test_upsert_replaces_and_delete_removes(self, lexical: LexicalIndex) -> None:
        await lexical.apply("acme", [change("d1", DEQUE, 1)], 1)
        await lexical.apply("acme", [change("d1", HEAP, 2)], 2)
        assert await found(lexical, "deque") == []
        assert await found(lexical, "heap") == ["d1"]
        await lexical.apply("acme", [change("d1", None, 3)], 3)
        assert await found(lexical, "heap") == []
        assert await lexical.position("acme") == 3

    async def test_surplus_passages_of_the_previous_state_are_removed(self, lexical: LexicalIndex) -> None:
        long = "\n\n".join(f"Paragraph {word} {'text ' * 150}" for word in ("alpha", "beta", "gamma"))
        await lexical.apply("acme", [change("d1", long, 1)], 1)
        assert await found(lexical, "gamma") == ["d1"]
        await lexical.apply("acme", [change("d1", "Paragraph alpha", 2)], 2)
        assert await found(lexical, "gamma") == []

    async def test_applying_again_changes_nothing(self, lexical: LexicalIndex) -> None:
        for _ in range(2):
            await lexical.apply("acme", [change("d1", DEQUE, 1)], 1)
        assert await found(lexical, "deque") == ["d1"]

    async def test_tenants_are_isolated(self, lexical: LexicalIndex) -> None:
        await lexical.apply("acme", [change("d1", DEQUE, 1)], 1)
        await lexical.apply("globex", [change("d9", DEQUE, 2)], 2)
        assert await found(lexical, "deque", "acme") == ["d1"]
        assert await found(lexical, "deque", "globex") == ["d9"]
        assert await found(lexical, "deque", "initech") == []

    async def test_korean_words_match_across_particles(self, lexical: LexicalIndex) -> None:
        texts = ["서울은 대한민국의 수도이다.", "부산은 항구 도시로 유명하다."]
        await lexical.apply("acme", [change(f"d{n}", text, n) for n, text in enumerate(texts, 1)], 2)
        assert (await found(lexical, "대한민국에서 수도는 어디인가요?"))[0] == "d1"
        assert await found(lexical, "항구가 있는 곳") == ["d2"]

    @pytest.mark.parametrize(
        ("text", "question"),
        [
            ("The dogs were running to the cities.", "a dog runs in a city"),
            ("Python's garbage collector", "python"),
            ("Wrap it with functools.lru_cache.", "functools.lru_cache"),
            ("Wrap it with functools.lru_cache.", "lru_cache"),
            ("Wrap it with functools.lru_cache.", "Is there a cache?"),
            ("An OrderedDict remembers.", "ordered dict"),
            ("Ｔｈｅ ＡＰＩ", "api"),
            ("It came with version 3.11.", "version 3.11"),
            ("도서관은 아홉 시에 연다.", "도서관이 언제 여나요?"),
            ("대한민국헌법 제1조", "헌법"),
            ("東京都は日本の首都である。", "日本の首都"),
        ],
    )
    async def test_words_match_across_forms(self, lexical: LexicalIndex, text: str, question: str) -> None:
        await lexical.apply("acme", [change("d1", text, 1), change("d2", "Nothing of the sort", 2)], 2)
        assert await found(lexical, question) == ["d1"]

    @pytest.mark.parametrize("question", ["", "?!", "the of and", '" AND (title:x OR *) ~2 \\'])
    async def test_query_syntax_in_a_question_is_harmless(self, lexical: LexicalIndex, question: str) -> None:
        await lexical.apply("acme", [change("d1", DEQUE, 1)], 1)
        assert len(await lexical.search("acme", question, 10)) <= 1

    async def test_a_very_long_question_is_cut(self, lexical: LexicalIndex) -> None:
        await lexical.apply("acme", [change("d1", DEQUE, 1)], 1)
        question = "deque " + " ".join(f"word{n}" for n in range(5000))
        assert await found(lexical, question) == ["d1"]


class TestTantivy(LexicalSuite):
    @pytest.fixture
    async def lexical(self, tmp_path: Path) -> AsyncIterator[LexicalIndex]:
        index = TantivyIndex(tmp_path)
        yield index
        await index.close()

    async def test_the_index_survives_a_restart(self, tmp_path: Path) -> None:
        first = TantivyIndex(tmp_path / "kept")
        await first.apply("acme", [change("d1", DEQUE, 1)], 1)
        await first.close()
        second = TantivyIndex(tmp_path / "kept")
        assert await found(second, "deque") == ["d1"]
        assert await second.position("acme") == 1
        await second.close()

    async def test_a_damaged_folder_is_rebuilt(self, tmp_path: Path) -> None:
        first = TantivyIndex(tmp_path / "kept")
        await first.apply("acme", [change("d1", DEQUE, 1)], 1)
        await first.close()
        for file in (tmp_path / "kept").rglob("meta.json"):
            file.write_text("{")
        second = TantivyIndex(tmp_path / "kept")
        assert await second.position("acme") == 0
        await second.apply("acme", [change("d1", DEQUE, 1)], 1)
        assert await found(second, "deque") == ["d1"]
        await second.close()

    async def test_an_index_that_cannot_be_written_is_transient(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        index = TantivyIndex(tmp_path / "file")
        with pytest.raises(Transient, match="tantivy"):
            await index.apply("acme", [change("d1", DEQUE, 1)], 1)
        shutil.rmtree(tmp_path)


@pytest.mark.skipif("SEPTET_OPENSEARCH_URL" not in os.environ, reason="SEPTET_OPENSEARCH_URL is not set")
class TestOpenSearch(LexicalSuite):
    @pytest.fixture
    async def lexical(self) -> AsyncIterator[LexicalIndex]:
        async with temporary_cluster() as cluster:
            yield cluster.index()

    async def test_a_late_writer_does_not_restore_an_old_state(self, lexical: LexicalIndex) -> None:
        await lexical.apply("acme", [change("d1", HEAP, 5)], 5)
        await lexical.apply("acme", [change("d1", DEQUE, 4)], 5)
        assert await found(lexical, "heap") == ["d1"]
        assert await found(lexical, "deque") == []


async def test_opensearch_that_is_down_is_transient() -> None:
    async with open_index(OpenSearchSettings(url="http://127.0.0.1:9")) as index:
        with pytest.raises(Transient) as caught:
            await index.search("acme", "deque", 10)
    assert caught.value.code == "lexical_unavailable"
