"""The peers find the same passages as Septet and answer; needs ``.venv-bench``, servers and a minute."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
from septet_kit.embeddings_client import Embedder
from septet_kit.settings import KitSettings
from septet_kit.store.pool import open_pool
from septet_native.stack.addresses import Addresses
from septet_retrieval.adapters.postgres import PostgresStore
from septet_retrieval.adapters.tantivy import TantivyIndex
from septet_retrieval.domain.fusion import RRF_K

from benchmarks.capacity import workload
from benchmarks.overhead.contender import Load, Place
from benchmarks.overhead.septet import stack
from benchmarks.peers import corpus, environment
from benchmarks.peers.contenders import contenders
from benchmarks.peers.http_peer import HttpPeer
from benchmarks.peers.work import CANDIDATES, PASSAGES

pytestmark = [
    pytest.mark.skipif(
        not environment.installed(), reason=f"the group bench is not installed: {environment.COMMAND}"
    ),
    pytest.mark.timeout(240),
]
ASKED, COMPARED = 100, 20
PEERS = [peer for peer in contenders(workers=1) if isinstance(peer, HttpPeer)]
# Haystack's constant is Septet's; LlamaIndex counts ranks from 0 with the same constant.
RANK_CONSTANT = {"haystack": RRF_K, "llamaindex": RRF_K - 1}


@dataclass(frozen=True)
class Sides:
    """Ids of the passages that Septet's adapters find for a question, best first."""

    lexical: Sequence[str]
    dense: Sequence[str]

    def fused(self, constant: int) -> list[tuple[str, float]]:
        """Passage ids and scores by reciprocal rank with equal weights, best first."""
        scores: dict[str, float] = {}
        for side in (self.lexical, self.dense):
            for rank, name in enumerate(side, 1):
                scores[name] = scores.get(name, 0.0) + 1 / (constant + rank)
        return sorted(scores.items(), key=lambda item: -item[1])


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Place]:
    """A stack with a small corpus."""
    with tempfile.TemporaryDirectory() as logs:
        async with stack(lambda name, state: None) as (servers, _):
            assert servers.addresses is not None
            found = workload.documents(120)
            await workload.ingest(servers.addresses.connection(), found)
            yield Place(servers.addresses, Load(workload.questions(found), (), 1), Path(logs))


@pytest.fixture(scope="module")
async def septet(place: Place) -> dict[str, Sides]:
    """Septet's lexical and dense results for the compared questions."""
    settings = _settings(place.addresses)
    embedder, questions = Embedder(settings), place.load.questions[:COMPARED]
    found: dict[str, Sides] = {}
    with tempfile.TemporaryDirectory() as folder:
        index = TantivyIndex(Path(folder))
        await corpus.fill(index, [p for p, _ in await corpus.read(place.addresses.postgres_dsn)])
        async with open_pool(settings, "retrieval") as pool:
            store = PostgresStore(pool)
            for question in questions:
                vector = (await embedder.embed([question], "question"))[0]
                dense = await store.nearest(corpus.TENANT, embedder.model, vector, CANDIDATES)
                lexical = await index.search(corpus.TENANT, question, CANDIDATES)
                found[question] = Sides(
                    [hit.passage.passage_id for hit in lexical], [hit.passage.passage_id for hit in dense]
                )
        await index.close()
    await embedder.close()
    return found


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
async def test_a_peer_answers_from_the_passages_that_septet_finds(
    peer: HttpPeer, place: Place, septet: dict[str, Sides]
) -> None:
    async with peer.running(place) as running:
        for question, sides in septet.items():
            answer = await running.ask(question)
            expected = dict(sides.fused(RANK_CONSTANT[peer.peer]))
            shown = [source["passage_id"] for source in answer["sources"]]
            # Compare scores, because passages with equal scores may come in any order.
            best = sorted(expected.values(), reverse=True)[:PASSAGES]
            assert [expected[name] for name in shown] == pytest.approx(best), question


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
async def test_a_peer_answers_a_hundred_questions_and_stops(peer: HttpPeer, place: Place) -> None:
    async with peer.running(place) as running:
        kinds = [await running.ask(place.load.question(number)) for number in range(ASKED)]
    assert sum(answer["status"] == "answered" for answer in kinds) > ASKED / 2
    rails = {(verdict["stage"], verdict["rail"]) for answer in kinds for verdict in answer["verdicts"]}
    assert ("input", "injection") in rails
    assert ("output", "groundedness") in rails
    assert all(
        {"groundedness", "answer_relevance"} <= {s["name"] for s in a["scores"]}
        for a in kinds
        if a["status"] == "answered"
    )


def _settings(addresses: Addresses) -> KitSettings:
    return KitSettings(
        postgres_dsn=SecretStr(addresses.postgres_dsn),
        embeddings_url=addresses.embeddings_url,
        embeddings_model=addresses.embeddings_model,
    )
