"""BERTScore and MoverScore, against implementations by enumeration."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from septet_experiments.errors import NotComputable
from septet_experiments.metrics.matching import Idf, Tokens, bert_f1, mover_similarity
from septet_experiments.metrics.transport import movers_distance

from .support import observed, one
from .token_vectors import HashedVectors

SEEDS = st.integers(0, 2**32 - 1)


def tokens(rng: np.random.Generator, names: Sequence[str]) -> Tokens:
    return Tokens.of(names, rng.normal(size=(len(names), 5)).astype(np.float32))


@given(SEEDS, st.integers(1, 4), st.integers(1, 4))
def test_movers_distance_is_the_least_of_all_assignments(seed: int, rows: int, columns: int) -> None:
    """Weights that are multiples of 1/12 are moved in units of 1/12 or more: the least assignment is the optimum."""
    rng = np.random.default_rng(seed)
    unit = int(np.lcm(rows, columns))
    costs = rng.uniform(0, 2, size=(rows, columns))
    split = costs.repeat(unit // rows, axis=0).repeat(unit // columns, axis=1)
    if unit > 6:
        return
    least = min(sum(split[i, p] for i, p in enumerate(order)) for order in permutations(range(unit))) / unit
    found = movers_distance(np.full(rows, 1 / rows), np.full(columns, 1 / columns), costs)
    assert found == pytest.approx(least, abs=1e-9)


@given(
    SEEDS,
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
)
def test_movers_distance_with_weights_is_that_of_repeated_tokens(
    seed: int, supply: list[int], demand: list[int]
) -> None:
    costs = np.random.default_rng(seed).uniform(0, 2, size=(len(supply), len(demand)))
    weighted = movers_distance(np.array(supply) / sum(supply), np.array(demand) / sum(demand), costs)
    split = costs.repeat(supply, axis=0).repeat(demand, axis=1)
    rows, columns = split.shape
    assert weighted == pytest.approx(
        movers_distance(np.full(rows, 1 / rows), np.full(columns, 1 / columns), split), abs=1e-9
    )


@given(SEEDS, st.integers(1, 6), st.integers(1, 6))
def test_bertscore_equals_its_definition(seed: int, first: int, second: int) -> None:
    rng = np.random.default_rng(seed)
    answer, reference = tokens(rng, "abcdef"[:first]), tokens(rng, "bcdefg"[:second])
    idf = Idf.of(["ab", "b", "bcx"])

    def best(token: NDArray[np.float64], others: NDArray[np.float64]) -> float:
        return max(float(sum(x * y for x, y in zip(token, other, strict=True))) for other in others)

    def mean(these: Tokens, others: Tokens) -> float:
        weights = [log(4 / ({"a": 1, "b": 3, "c": 1, "x": 1}.get(p, 0) + 1)) for p in these.pieces]
        return sum(w * best(v, others.vectors) for w, v in zip(weights, these.vectors, strict=True)) / sum(
            weights
        )

    if set(reference.pieces) == {"b"}:
        with pytest.raises(NotComputable, match="no token has a weight"):
            bert_f1(answer, reference, idf)
        return
    precision, recall = mean(answer, reference), mean(reference, answer)
    wanted = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    assert bert_f1(answer, reference, idf) == pytest.approx(wanted)


def test_moverscore_of_a_hand_checked_pair() -> None:
    # One token of the answer moves to two orthogonal ones: distances 0 and √2, half of the weight each.
    answer = Tokens.of(["a"], np.array([[2.0, 0.0]], np.float32))
    reference = Tokens.of(["a", "b"], np.array([[1.0, 0.0], [0.0, 3.0]], np.float32))
    assert mover_similarity(answer, reference, Idf(0, {})) == pytest.approx(1 / (1 + sqrt(2) / 2))
    assert bert_f1(answer, reference, Idf(0, {})) == pytest.approx(2 * 1.0 * 0.5 / 1.5)


@pytest.mark.parametrize("name", ["bertscore", "moverscore"])
@pytest.mark.parametrize("text", ["a deque is a queue", "덱은 큐를 일반화합니다"])
def test_equal_texts_have_the_value_one(name: str, text: str) -> None:
    metric = one(name, token_vectors=HashedVectors())
    assert metric.value(observed(text, "another text", text)) == pytest.approx(1.0)
    assert metric.value(observed(f"{text} [1]", text)) == pytest.approx(1.0)
    assert metric.value(observed("words", text)) < 0.9


def test_moverscore_ignores_punctuation() -> None:
    metric = one("moverscore", token_vectors=HashedVectors())
    assert metric.value(observed("red, (green)!", "red green")) == pytest.approx(1.0)
    assert metric.value(observed("...", "red green")) == 0.0
    with pytest.raises(NotComputable, match="no token besides punctuation"):
        metric.value(observed("red", "?!"))


@pytest.mark.parametrize("name", ["bertscore", "moverscore"])
def test_semantic_metrics_have_no_value(name: str) -> None:
    metric = one(name, token_vectors=HashedVectors())
    with pytest.raises(NotComputable, match="no `references`"):
        metric.value(observed("red"))
    with pytest.raises(NotComputable, match="a reference has no token"):
        metric.value(observed("red", "red", ""))
    with pytest.raises(NotComputable, match="more than 63 tokens"):
        metric.value(observed("red " * 64, "red"))
    assert metric.value(observed("red", "red", status="abstained")) == 0.0


def test_idf_weighs_rare_tokens_more() -> None:
    references = ["the cat", "the dog", "the red bird"]
    plain = one("bertscore", token_vectors=HashedVectors())
    weighted = one("bertscore", token_vectors=HashedVectors(), idf_texts=references)
    given_ = observed("the fish", "the cat")
    assert weighted.value(given_) < plain.value(given_)
    with pytest.raises(NotComputable, match="no token has a weight"):
        weighted.value(observed("the", "the cat"))


def test_signature_names_model_layer_and_idf() -> None:
    assert one("bertscore", token_vectors=HashedVectors()).signature == (
        "bertscore|model:hashed|layer:1|idf:no|v:1"
    )
    texts = ("the cat", "the dog")
    signature = one("moverscore", token_vectors=HashedVectors(), idf_texts=texts).signature
    assert signature.startswith("moverscore|model:hashed|layer:1|idf:2 texts ")
    assert signature == one("moverscore", token_vectors=HashedVectors(), idf_texts=texts[::-1]).signature
    assert (
        signature
        != one("moverscore", token_vectors=HashedVectors(), idf_texts=("the cat", "a dog")).signature
    )
