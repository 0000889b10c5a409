"""LoRA of a Llama model on demonstrations (``lora``) or preference pairs (``dpo``), with JAX on a CPU."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import jax
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from septet_tuning.errors import TuningError, UnsuitableData
from septet_tuning.methods.protocol import Data, Figures, Resources
from septet_tuning.recipes import Recipe
from septet_tuning.rows import AnyRow, Demonstration, Kind, Preference
from septet_tuning.training.batches import Batch, Batches
from septet_tuning.training.chat import Chat, Example
from septet_tuning.training.export import write_gguf, write_peft
from septet_tuning.training.llama import PROJECTIONS, Shape, Tree, load_weights
from septet_tuning.training.lora import new_adapter
from septet_tuning.training.objectives import dpo_loss, exact_matches, log_likelihoods, sft_loss
from septet_tuning.training.trainer import Schedule, Task, Trainer
from septet_tuning.tuning_runs import TuningRun

Target = Literal["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]


class LoraParameters(BaseModel):
    """Hyperparameters of ``lora``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int = Field(default=8, ge=1, le=256)
    alpha: float = Field(default=16.0, gt=0)
    targets: tuple[Target, ...] = Field(default=cast("tuple[Target, ...]", PROJECTIONS), min_length=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    steps: int = Field(default=40, ge=1)
    batch: int = Field(default=4, ge=1)
    accumulation: int = Field(default=1, ge=1)
    warmup: int = Field(default=3, ge=0)
    max_tokens: int = Field(default=256, ge=8, description="Rows that are longer are refused, never cut.")
    evaluate_every: int = Field(default=10, ge=1)
    checkpoint_every: int = Field(default=10, ge=1)
    patience: int = Field(
        default=0, ge=0, description="Evaluations without gain before training stops; 0: never."
    )

    def schedule(self) -> Schedule:
        """The part that the trainer reads."""
        names = Schedule.__dataclass_fields__.keys() & type(self).model_fields.keys()
        return Schedule(**{name: getattr(self, name) for name in names})


class DpoParameters(LoraParameters):
    """Hyperparameters of ``dpo``."""

    learning_rate: float = Field(default=2e-4, gt=0)
    beta: float = Field(default=0.1, gt=0)


@dataclass(frozen=True)
class _Base:
    chat: Chat
    shape: Shape
    weights: Tree


class Lora:
    """Supervised fine-tuning on the assistant's last message."""

    name = "lora"
    kinds: frozenset[Kind] = frozenset({"sft"})
    parameters: type[BaseModel] = LoraParameters

    async def train(
        self, recipe: Recipe, parameters: LoraParameters, dataset: Data, run: TuningRun, resources: Resources
    ) -> Figures:
        """Train in a thread, and write the adapter in both formats."""
        return await asyncio.to_thread(self._train, recipe, parameters, dataset, run, resources)

    def _train(
        self, recipe: Recipe, parameters: LoraParameters, dataset: Data, run: TuningRun, resources: Resources
    ) -> Figures:
        if resources.base_model is None:
            raise TuningError("the method needs the GGUF file of the base model", "Pass --base-model FILE.")
        base = _Base(Chat(resources.base_model), *load_weights(resources.base_model))
        scale = parameters.alpha / parameters.rank
        train, refused = self._fit(base.chat, dataset.rows("train"), parameters.max_tokens)
        held_out, refused_held_out = self._fit(base.chat, dataset.rows("held_out"), parameters.max_tokens)
        if not train or not held_out:
            raise UnsuitableData(
                f"{len(train)} training and {len(held_out)} held-out rows fit in {parameters.max_tokens} tokens; "
                f"{refused} and {refused_held_out} are longer",
                "Increase max_tokens, or add shorter rows to both splits.",
            )
        task, figures = self._task(base, parameters, scale, train, held_out)
        adapter = new_adapter(base.shape, parameters.targets, parameters.rank, recipe.seed)
        before = figures(adapter)
        trained = Trainer(task, parameters.schedule(), base.weights, recipe.seed).train(adapter, run)
        folder = run.artifact_folder
        write_peft(folder, base.shape, trained, parameters.alpha, recipe.base)
        write_gguf(folder / "adapter.gguf", base.shape, trained, parameters.alpha, recipe.name)
        (folder / "template.sha256").write_text(base.chat.template_digest + "\n", "utf-8")
        counts = {"train": len(train), "held_out": len(held_out), "refused": refused + refused_held_out}
        return Figures(before, figures(trained), counts)

    def _fit(self, chat: Chat, rows: Sequence[AnyRow], limit: int) -> tuple[list[tuple[Example, ...]], int]:
        """The rows that fit, and the number of the others."""
        encoded = [self._encode(chat, row) for row in rows]
        fitting = [row for row in encoded if max(map(len, row)) <= limit]
        return fitting, len(encoded) - len(fitting)

    def _encode(self, chat: Chat, row: AnyRow) -> tuple[Example, ...]:
        row = cast(Demonstration, row)
        return (chat.example(row.messages[:-1], row.messages[-1].content, row.weight),)

    def _task(
        self,
        base: _Base,
        parameters: LoraParameters,
        scale: float,
        train: list[tuple[Example, ...]],
        held_out: list[tuple[Example, ...]],
    ) -> tuple[Task, Any]:
        rows = [row for (row,) in train]
        held = [row for (row,) in held_out]
        batches = Batches([*rows, *held], parameters.batch)
        loss = sft_loss(base.shape, scale)
        groups = batches.split(held)
        matches = jax.jit(exact_matches(base.shape, scale))
        compiled = jax.jit(loss)

        def figures(adapter: Tree) -> dict[str, float]:
            total = sum(float(compiled(adapter, base.weights, batch)) for batch in groups)
            exact = np.concatenate([np.asarray(matches(adapter, base.weights, batch)) for batch in groups])
            return {
                "held_out_loss": round(total / sum(map(_token_weight, groups)), 6),
                "exact_match": round(float(exact[: len(held)].mean()), 6),
            }

        task = Task(
            loss,
            _token_weight,
            lambda picked: batches.make([rows[each] for each in picked]),
            len(rows),
            groups,
        )
        return task, figures


class Dpo(Lora):
    """Direct preference optimisation of a LoRA; the base model is the reference."""

    name = "dpo"
    kinds: frozenset[Kind] = frozenset({"preference"})
    parameters: type[BaseModel] = DpoParameters

    def _encode(self, chat: Chat, row: AnyRow) -> tuple[Example, ...]:
        row = cast(Preference, row)
        return tuple(chat.example(row.prompt, answer, row.weight) for answer in (row.chosen, row.rejected))

    def _task(
        self,
        base: _Base,
        parameters: LoraParameters,
        scale: float,
        train: list[tuple[Example, ...]],
        held_out: list[tuple[Example, ...]],
    ) -> tuple[Task, Any]:
        batches = Batches([side for row in (*train, *held_out) for side in row], 2 * parameters.batch)
        likelihoods = jax.jit(lambda adapter, batch: _row_likelihoods(base, scale, adapter, batch))
        groups = [
            held_out[start : start + parameters.batch] for start in range(0, len(held_out), parameters.batch)
        ]

        def make(pairs: Sequence[tuple[Example, ...]]) -> Batch:
            # Missing rows of an incomplete batch repeat the first pair with weight 0.
            empty = Example(pairs[0][0].prompt, pairs[0][0].target, 0.0)
            missing = [empty] * (parameters.batch - len(pairs))
            batch = batches.make(
                [*(each[0] for each in pairs), *missing, *(each[1] for each in pairs), *missing]
            )
            return {**batch, "reference": np.asarray(likelihoods({}, batch))}

        held = [make(group) for group in groups]
        loss = dpo_loss(base.shape, scale, cast(DpoParameters, parameters).beta)
        compiled = jax.jit(loss)

        def figures(adapter: Tree) -> dict[str, float]:
            total = sum(float(compiled(adapter, base.weights, batch)) for batch in held)
            margins = np.concatenate([_margins(likelihoods, adapter, batch) for batch in held])
            plain = np.concatenate(
                [_margins(likelihoods, adapter, {**batch, "reference": 0.0}) for batch in held]
            )
            return {
                "held_out_loss": round(total / sum(map(_pair_weight, held)), 6),
                "margin": round(float(margins.mean()), 6),
                "preferred": round(float((plain > 0).mean()), 6),
            }

        task = Task(
            loss, _pair_weight, lambda picked: make([train[each] for each in picked]), len(train), held
        )
        return task, figures


def _token_weight(batch: Batch) -> float:
    return float(batch["weight"].sum())


def _pair_weight(batch: Batch) -> float:
    return float(batch["weight"][: len(batch["weight"]) // 2, 0].sum())


def _row_likelihoods(base: _Base, scale: float, adapter: Tree, batch: Tree) -> jax.Array:
    each = log_likelihoods(base.shape, scale, adapter, base.weights, batch)
    result: jax.Array = ((batch["weight"] > 0) * each).sum(axis=1)
    return result


def _margins(likelihoods: Any, adapter: Tree, batch: Tree) -> np.ndarray:
    """How much more likely the chosen answer is than the rejected one, in excess of the reference."""
    inputs = {name: value for name, value in batch.items() if name != "reference"}
    chosen, rejected = np.split(np.asarray(likelihoods(adapter, inputs)) - batch["reference"], 2)
    weights = batch["weight"][: len(chosen), 0]
    result: np.ndarray = (chosen - rejected)[weights > 0]
    return result
