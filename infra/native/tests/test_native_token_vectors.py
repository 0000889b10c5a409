"""Vectors of a text's tokens."""

from __future__ import annotations

import numpy as np
import pytest
from septet_native.models.build import DEFAULT, MODELS
from septet_native.models.encoder import Encoder
from septet_native.models.token_vectors import TokenEncoder
from septet_native.packages.cache import cache_root

# They load a model.
pytestmark = pytest.mark.slow

TEXTS = ("What is a deque?", "덱은 스택과 큐를 일반화합니다.", "")


@pytest.mark.parametrize("name", MODELS)
def test_mean_of_the_last_layer_is_the_embedding(name: str) -> None:
    model = MODELS[name]
    last = 12 if name == DEFAULT.name else 6
    tokens = TokenEncoder(model, cache_root(), last)
    encoder = Encoder.of(model, cache_root())
    for text in TEXTS:
        mean = tokens.states(text).mean(axis=0)
        (embedding,) = encoder.run(encoder.tokenize([text]))
        np.testing.assert_allclose(mean / np.linalg.norm(mean), embedding, atol=1e-5)


def test_special_tokens_have_no_vector() -> None:
    encoder = TokenEncoder.default(cache_root())
    tokens, vectors = encoder.encode("덱은 큐입니다.")
    assert "".join(tokens).replace("▁", " ").strip() == "덱은 큐입니다."
    assert list(tokens) == list(encoder.tokenize("덱은 큐입니다."))
    assert vectors.shape == (len(tokens), 384)
    assert encoder.encode("")[0] == []
    assert encoder.encode("")[1].shape == (0, 384)


def test_layers_differ_and_unknown_ones_are_rejected() -> None:
    first, last = (TokenEncoder(DEFAULT, cache_root(), layer).encode("a deque")[1] for layer in (1, 12))
    assert not np.allclose(first, last)
    for layer in (0, 13):
        with pytest.raises(ValueError, match="layers 1 to 12"):
            TokenEncoder(DEFAULT, cache_root(), layer)


def test_a_text_is_cut_at_the_limit() -> None:
    encoder = TokenEncoder.default(cache_root())
    assert len(encoder.tokenize("word " * 2000)) == encoder.max_tokens - 2
