"""The wiring on a real database, and the classifiers that it loads."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr
from septet_cache.app import SPEC, wire
from septet_cache.domain.classifier import calibrated_for, classifiers
from septet_cache.domain.features import FEATURES, SIGNS
from septet_contracts import topic
from septet_kit import Kit, KitSettings

from tests.support.database import Database


async def test_wiring_has_a_stage_for_every_consumed_topic_and_is_ready(database: Database) -> None:
    kit = Kit(SPEC, KitSettings(postgres_dsn=SecretStr(database.service_dsn)))
    async with wire(kit) as wiring:
        assert {s.topic for s in wiring.stages} == set(SPEC.consumes)
        for ready in wiring.ready:
            await ready()
        purging = [asyncio.ensure_future(task()) for task in wiring.background]
        _, running = await asyncio.wait(purging, timeout=0.3)
        assert len(running) == len(purging)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    await kit.publisher.stop()


def test_every_declared_topic_exists() -> None:
    assert {topic(t).name for t in (*SPEC.consumes, *SPEC.produces)} == {
        "septet.screened.v1",
        "septet.releases.v1",
        "septet.documents-changed.v1",
        "septet.labels.v1",
        "septet.missed.v1",
        "septet.outcomes.v1",
    }


def test_coefficients_match_the_features_and_the_default_embeddings_model() -> None:
    assert set(classifiers()) == {"en", "ko"}
    assert calibrated_for() == KitSettings().embeddings_model
    for classifier in classifiers().values():
        assert 0.5 <= classifier.threshold < 1
        for name, weight in zip(FEATURES, classifier.weight, strict=True):
            assert weight * SIGNS[name] >= 0, name


def test_more_difference_never_increases_the_probability() -> None:
    alike = dict(zip(FEATURES, (0.97, 0.07, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0), strict=True))
    for classifier in classifiers().values():
        greatest = classifier.probability(tuple(alike.values()))
        assert greatest >= classifier.threshold
        for name, sign in SIGNS.items():
            worse = alike | {name: alike[name] - 0.3 * sign}
            assert classifier.probability(tuple(worse.values())) <= greatest
