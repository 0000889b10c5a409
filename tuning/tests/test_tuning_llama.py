"""The forward pass, adapters, losses and training of a tiny random Llama."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader
from safetensors.numpy import load_file
from septet_tuning.recipes import Recipe
from septet_tuning.tuning_runs import TuningRun

jax = pytest.importorskip("jax", reason="needs `make setup-tuning`")

from septet_tuning.training.batches import Batches  # noqa: E402
from septet_tuning.training.chat import Example  # noqa: E402
from septet_tuning.training.export import unpermute, write_gguf, write_peft  # noqa: E402
from septet_tuning.training.llama import NORMS, PROJECTIONS, Shape, hidden_states  # noqa: E402
from septet_tuning.training.lora import merge, new_adapter  # noqa: E402
from septet_tuning.training.objectives import dpo_loss, exact_matches, log_likelihoods, sft_loss  # noqa: E402
from septet_tuning.training.trainer import Schedule, Task, Trainer  # noqa: E402

pytestmark = pytest.mark.slow
SHAPE = Shape(layers=2, width=16, hidden=24, heads=4, kv_heads=2, vocabulary=32, rope_base=1e4, epsilon=1e-5)
SCHEDULE = Schedule(
    steps=8,
    batch=2,
    accumulation=1,
    learning_rate=0.02,
    warmup=2,
    evaluate_every=2,
    checkpoint_every=3,
    patience=0,
)
EXAMPLES = [Example((1, 2 + i % 5, 3), (10 + i % 3, 11, 2)) for i in range(6)]


def random_weights(seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)

    def draw(*size: int) -> Any:
        return jax.numpy.asarray(random.normal(0, 0.3, size), jax.numpy.float32)

    layers = {name: draw(SHAPE.layers, *SHAPE.projection(name)) for name in PROJECTIONS}
    layers |= {name: 1 + draw(SHAPE.layers, SHAPE.width) for name in NORMS}
    embedding = draw(SHAPE.vocabulary, SHAPE.width)
    return {"embedding": embedding, "output": embedding, "norm": 1 + draw(SHAPE.width), "layers": layers}


def random_adapter(seed: int = 1) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    adapter = new_adapter(SHAPE, PROJECTIONS, 2, seed)
    return jax.tree.map(lambda leaf: jax.numpy.asarray(random.normal(0, 0.3, leaf.shape), "float32"), adapter)


def reference_states(weights: dict[str, Any], tokens: Sequence[int]) -> np.ndarray:
    """Llama as Hugging Face writes it: query and key rows for rotated halves, one head at a time, in float64."""
    half = SHAPE.head_width // 2
    angles = np.outer(np.arange(len(tokens)), SHAPE.rope_base ** -(np.arange(half) / half))
    cos, sin = np.tile(np.cos(angles), 2), np.tile(np.sin(angles), 2)

    def normalise(value: np.ndarray, gain: Any) -> np.ndarray:
        return value / np.sqrt((value**2).mean(-1, keepdims=True) + SHAPE.epsilon) * np.asarray(gain)

    def rotate(value: np.ndarray) -> np.ndarray:
        return value * cos + np.concatenate([-value[:, half:], value[:, :half]], axis=1) * sin

    state = np.asarray(weights["embedding"], np.float64)[list(tokens)]
    for index in range(SHAPE.layers):
        own = {name: np.asarray(value[index], np.float64) for name, value in weights["layers"].items()}
        own |= {name: unpermute(SHAPE, name, own[name]) for name in ("attn_q", "attn_k")}
        normed = normalise(state, own["attn_norm"])
        query, key, value = (normed @ own[f"attn_{part}"].T for part in "qkv")
        heads = []
        for head in range(SHAPE.heads):
            mine = slice(head * SHAPE.head_width, (head + 1) * SHAPE.head_width)
            shared = head // (SHAPE.heads // SHAPE.kv_heads)
            other = slice(shared * SHAPE.head_width, (shared + 1) * SHAPE.head_width)
            scores = rotate(query[:, mine]) @ rotate(key[:, other]).T / np.sqrt(SHAPE.head_width)
            scores = np.where(np.tril(np.ones_like(scores)) > 0, scores, -np.inf)
            attention = np.exp(scores - scores.max(-1, keepdims=True))
            heads.append(attention / attention.sum(-1, keepdims=True) @ value[:, other])
        state = state + np.concatenate(heads, axis=1) @ own["attn_output"].T
        normed = normalise(state, own["ffn_norm"])
        gate = normed @ own["ffn_gate"].T
        state = state + (gate / (1 + np.exp(-gate)) * (normed @ own["ffn_up"].T)) @ own["ffn_down"].T
    return normalise(state, weights["norm"])


def sft_task(batch: int = 2) -> Task:
    batches = Batches(EXAMPLES, batch)

    def weight(each: dict[str, np.ndarray]) -> float:
        return float(each["weight"].sum())

    return Task(
        sft_loss(SHAPE, 2.0),
        weight,
        lambda rows: batches.make([EXAMPLES[row] for row in rows]),
        len(EXAMPLES),
        batches.split(EXAMPLES[:2]),
    )


def run_in(folder: Path) -> TuningRun:
    return TuningRun.create(
        folder, Recipe(name="tiny", method="lora", data="tiny", base="tiny", alias="tiny"), "tiny"
    )


def assert_equal(left: Any, right: Any, tolerance: float = 0.0) -> None:
    for one, other in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


def test_the_forward_pass_equals_a_plain_one_with_rotated_halves() -> None:
    weights, tokens = random_weights(), [1, 5, 9, 2, 30, 7, 7]
    states = hidden_states(SHAPE, weights, {}, 1.0, np.array([tokens]))[0]
    np.testing.assert_allclose(states, reference_states(weights, tokens), atol=2e-5)


def test_an_adapter_equals_the_merged_weights_and_a_new_one_equals_the_base() -> None:
    weights, tokens = random_weights(), np.array([[1, 5, 9, 2]])
    adapter = random_adapter()
    base = hidden_states(SHAPE, weights, {}, 2.0, tokens)
    adapted = hidden_states(SHAPE, weights, adapter, 2.0, tokens)
    assert np.abs(adapted - base).max() > 0.1
    np.testing.assert_allclose(
        adapted, hidden_states(SHAPE, merge(weights, adapter, 2.0), {}, 2.0, tokens), atol=1e-4
    )
    new = new_adapter(SHAPE, PROJECTIONS, 2, 0)
    np.testing.assert_allclose(hidden_states(SHAPE, weights, new, 2.0, tokens), base, atol=1e-6)


@pytest.mark.parametrize("name", ["sft", "dpo"])
def test_gradients_equal_finite_differences(name: str) -> None:
    weights, adapter = random_weights(), random_adapter()
    batch: dict[str, Any] = Batches(EXAMPLES, 4).make(EXAMPLES[:4])
    loss = sft_loss(SHAPE, 2.0) if name == "sft" else dpo_loss(SHAPE, 2.0, 0.5)
    if name == "dpo":
        batch["reference"] = np.asarray(log_likelihoods(SHAPE, 2.0, {}, weights, batch)).sum(axis=1)
    with jax.enable_x64(True):
        exact = jax.tree.map(lambda leaf: jax.numpy.asarray(np.asarray(leaf), "float64"), (adapter, weights))
        direction = jax.tree.map(
            lambda leaf: leaf * 0 + np.random.default_rng(3).normal(size=leaf.shape), exact[0]
        )
        gradient = jax.grad(loss)(*exact, batch)
        products = jax.tree.map(lambda a, b: (a * b).sum(), gradient, direction)
        slope = sum(float(leaf) for leaf in jax.tree.leaves(products))

        def moved(by: float) -> float:
            return float(loss(jax.tree.map(lambda a, b: a + by * b, exact[0], direction), exact[1], batch))

        assert slope == pytest.approx((moved(1e-5) - moved(-1e-5)) / 2e-5, rel=1e-3)


def test_the_loss_reads_the_target_alone_and_padding_changes_nothing() -> None:
    weights, adapter, loss = random_weights(), random_adapter(), sft_loss(SHAPE, 2.0)
    example = Example((1, 4, 3), (10, 11))
    alone = Batches([example], 1).make([example])
    padded = Batches([example, Example(tuple(range(20)), tuple(range(9)))], 3).make([example])
    logits = (
        hidden_states(SHAPE, weights, adapter, 2.0, np.array([[1, 4, 3, 10, 11]]))[0] @ weights["output"].T
    )
    likelihood = jax.nn.log_softmax(logits)
    expected = -(likelihood[2, 10] + likelihood[3, 11])
    assert float(loss(adapter, weights, alone)) == pytest.approx(float(expected), rel=1e-5)
    assert float(loss(adapter, weights, padded)) == pytest.approx(float(expected), rel=1e-5)


def test_the_weight_of_a_row_scales_its_loss() -> None:
    weights, adapter, loss = random_weights(), random_adapter(), sft_loss(SHAPE, 2.0)
    values = []
    for weight in (1.0, 0.25):
        example = Example((1, 4, 3), (10, 11), weight)
        values.append(float(loss(adapter, weights, Batches([example], 1).make([example]))))
    assert values[1] == pytest.approx(values[0] / 4, rel=1e-5)


def test_accumulated_micro_batches_equal_one_batch(tmp_path: Path) -> None:
    adapter, results = new_adapter(SHAPE, PROJECTIONS, 2, 0), []
    for batch, accumulation in ((4, 1), (2, 2)):
        schedule = Schedule(**{**vars(SCHEDULE), "batch": batch, "accumulation": accumulation, "steps": 1})
        trainer = Trainer(sft_task(batch), schedule, random_weights(), 0)
        run = run_in(tmp_path / str(batch))
        trainer.train(adapter, run)
        results.append(run.progress()[0].loss)
        results.append(run.progress()[0].held_out)
    assert results[:2] == pytest.approx(results[2:], rel=1e-4)


def test_training_lowers_the_loss_until_the_targets_are_matched(tmp_path: Path) -> None:
    schedule = Schedule(**{**vars(SCHEDULE), "steps": 60, "evaluate_every": 20})
    weights, adapter = random_weights(), new_adapter(SHAPE, PROJECTIONS, 4, 0)
    run = run_in(tmp_path)
    trained = Trainer(sft_task(), schedule, weights, 0).train(adapter, run)
    batch = Batches(EXAMPLES, 3).make(EXAMPLES[:3])
    matches = exact_matches(SHAPE, 2.0)
    assert [bool(matches(each, weights, batch).all()) for each in (adapter, trained)] == [False, True]
    assert run.progress()[-1].loss < run.progress()[0].loss / 3


def test_a_run_killed_between_checkpoints_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    adapter, whole = new_adapter(SHAPE, PROJECTIONS, 2, 0), run_in(tmp_path / "whole")
    expected = Trainer(sft_task(), SCHEDULE, random_weights(), 7).train(adapter, whole)

    class Killed(Exception):
        pass

    class Dying(TuningRun):
        def report(self, step: int, loss: float, held_out: float | None = None) -> None:
            super().report(step, loss, held_out)
            if step == 5:
                raise Killed

    run = run_in(tmp_path / "killed")
    with pytest.raises(Killed):
        Trainer(sft_task(), SCHEDULE, random_weights(), 7).train(adapter, Dying(run.folder, run.recipe))
    resumed = Trainer(sft_task(), SCHEDULE, random_weights(), 7).train(
        adapter, TuningRun.open(tmp_path / "killed", "tiny")
    )
    assert_equal(resumed, expected)
    lines = [[(line.step, line.loss, line.held_out) for line in each.progress()] for each in (run, whole)]
    assert lines[0] == lines[1]


def test_training_stops_early_and_returns_the_best_adapter(tmp_path: Path) -> None:
    schedule = Schedule(
        **{**vars(SCHEDULE), "steps": 40, "learning_rate": 3.0, "evaluate_every": 1, "patience": 2}
    )
    run = run_in(tmp_path)
    trainer = Trainer(sft_task(), schedule, random_weights(), 0)
    best = trainer.train(new_adapter(SHAPE, PROJECTIONS, 2, 0), run)
    losses = [line.held_out for line in run.progress()]
    assert len(losses) < 40
    assert trainer.held_out_loss(best) == pytest.approx(
        min(each for each in losses if each is not None), abs=1e-5
    )


def test_exported_adapters_have_the_same_values_in_the_layouts_of_peft_and_gguf(tmp_path: Path) -> None:
    adapter = random_adapter()
    write_peft(tmp_path, SHAPE, adapter, 4.0, "tiny")
    write_gguf(tmp_path / "adapter.gguf", SHAPE, adapter, 4.0, "tiny")
    peft = load_file(tmp_path / "adapter_model.safetensors")
    tensors = {each.name: np.asarray(each.data) for each in GGUFReader(tmp_path / "adapter.gguf").tensors}
    assert len(peft) == len(tensors) == 2 * len(PROJECTIONS) * SHAPE.layers
    down = "base_model.model.model.layers.1.mlp.down_proj"
    np.testing.assert_array_equal(peft[f"{down}.lora_B.weight"], tensors["blk.1.ffn_down.weight.lora_b"])
    key = peft["base_model.model.model.layers.0.self_attn.k_proj.lora_B.weight"]
    # llama.cpp's conversion of Hugging Face's rows.
    converted = key.reshape(SHAPE.kv_heads, 2, -1, key.shape[-1]).swapaxes(1, 2).reshape(key.shape)
    np.testing.assert_array_equal(converted, tensors["blk.0.attn_k.weight.lora_b"])
    assert not np.array_equal(key, converted)
