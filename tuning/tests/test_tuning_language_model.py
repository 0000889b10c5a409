"""The methods ``lora`` and ``dpo``, from a recipe to an artifact, on a tiny random model."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from gguf import GGUFWriter
from septet_tuning.errors import InvalidRecipe, MissingExtra, UnsuitableData
from septet_tuning.manifest import ArtifactManifest, list_files
from septet_tuning.methods import METHODS, Resources
from septet_tuning.recipes import Recipe
from septet_tuning.rows import AnyRow, Demonstration, Kind, Message, Origin, Preference
from septet_tuning.runner import execute, plan, read_recipe
from septet_tuning.tuning_runs import TuningRun

pytest.importorskip("jax", reason="needs `make setup-tuning`")
pytestmark = pytest.mark.slow
FILE = Origin(source="file")
PARAMETERS = {"rank": 2, "steps": 6, "batch": 2, "evaluate_every": 3, "checkpoint_every": 2, "max_tokens": 40}
TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Rows:
    train: tuple[AnyRow, ...]
    held_out: tuple[AnyRow, ...]
    kind: Kind
    name: str = "tiny"
    version: int = 1
    digest: str = "sha256:1"

    def rows(self, split: Literal["train", "held_out"]) -> tuple[AnyRow, ...]:
        return self.train if split == "train" else self.held_out


def demonstration(name: str, question: str = "hi", answer: str = "yes") -> Demonstration:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Demonstration(id=name, origin=FILE, messages=messages)


def preference(name: str) -> Preference:
    prompt = (Message(role="user", content="hi"),)
    return Preference(id=name, origin=FILE, prompt=prompt, chosen="yes", rejected="no")


SFT = Rows(tuple(demonstration(str(index)) for index in range(4)), (demonstration("held"),), "sft")
PAIRS = Rows(tuple(preference(str(index)) for index in range(4)), tuple(map(preference, "xyz")), "preference")


def write_tiny_model(file: Path) -> Path:
    """A Llama of two layers with one token for each byte."""
    from tokenizers.pre_tokenizers import ByteLevel

    random, width, hidden = np.random.default_rng(0), 16, 24
    controls = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokens = [*controls, *sorted(ByteLevel.alphabet()), "es"]
    writer = GGUFWriter(file, "llama")
    writer.add_block_count(2)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(controls) + [1] * 257)
    writer.add_token_merges(["e s"])
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    sizes = {"attn_q": (16, 16), "attn_k": (8, 16), "attn_v": (8, 16), "attn_output": (16, 16)}
    sizes |= {"ffn_gate": (hidden, width), "ffn_up": (hidden, width), "ffn_down": (width, hidden)}
    for layer in range(2):
        for name, size in sizes.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", random.normal(0, 0.2, size).astype(np.float32))
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, np.float32))
    writer.add_tensor("token_embd.weight", random.normal(0, 0.2, (len(tokens), width)).astype(np.float32))
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def recipe(method: str = "lora", **parameters: Any) -> Recipe:
    return Recipe.model_validate(
        {"name": "tiny", "method": method, "data": "tiny", "base": "tiny", "alias": "tiny", "seed": 3}
        | {"parameters": PARAMETERS | parameters}
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    return Resources(base_model=write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.gguf"))


async def test_lora_writes_an_artifact_whose_manifest_matches_its_files(
    tmp_path: Path, model: Resources
) -> None:
    wanted = recipe(learning_rate=0.05)
    result = await execute(plan(wanted, SFT), TuningRun.create(tmp_path, wanted), model)
    folder = result.run.artifact_folder
    manifest = ArtifactManifest.model_validate_json((folder / "manifest.json").read_bytes())
    assert manifest.files == list_files(folder)
    assert {each.path for each in manifest.files} >= {"adapter.gguf", "adapter_model.safetensors"}
    assert result.figures.after["held_out_loss"] < result.figures.before["held_out_loss"]
    card = (result.run.folder / "card.md").read_text()
    assert [text in card for text in (result.digest, "sha256:1", "seed: 3", "jax 0")] == [True] * 4


async def test_dpo_prefers_the_chosen_answer_more_than_the_base_does(
    tmp_path: Path, model: Resources
) -> None:
    wanted = recipe("dpo", learning_rate=0.05)
    figures = (await execute(plan(wanted, PAIRS), TuningRun.create(tmp_path, wanted), model)).figures
    assert figures.before["held_out_loss"] == pytest.approx(np.log(2), abs=1e-5)
    assert figures.before["margin"] == pytest.approx(0, abs=1e-4)
    assert figures.after["margin"] > 0.1


async def test_rows_that_do_not_fit_are_refused_and_counted(tmp_path: Path, model: Resources) -> None:
    long = demonstration("long", answer="a" * 60)
    wanted = recipe()
    rows = Rows((*SFT.train, long), SFT.held_out, "sft")
    figures = (await execute(plan(wanted, rows), TuningRun.create(tmp_path, wanted, "some"), model)).figures
    assert figures.counts == {"train": 4, "held_out": 1, "refused": 1}
    none = Rows((long,), SFT.held_out, "sft")
    with pytest.raises(UnsuitableData, match="0 training and 1 held-out rows fit in 40 tokens"):
        await execute(plan(wanted, none), TuningRun.create(tmp_path, wanted, "none"), model)


def test_a_run_killed_by_kill_9_resumes_to_the_same_artifact(tmp_path: Path, model: Resources) -> None:
    wanted = recipe(steps=30)
    whole = TuningRun.create(tmp_path, wanted, "whole")
    expected = asyncio.run(execute(plan(wanted, SFT), whole, model))
    killed = TuningRun.create(tmp_path, wanted, "killed")
    program = (
        "import asyncio, os, signal\n"
        "from pathlib import Path\n"
        "import test_tuning_language_model as own\n"
        "class Dying(own.TuningRun):\n"
        "    def report(self, step, loss, held_out=None):\n"
        "        super().report(step, loss, held_out)\n"
        "        if step == 17: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"run = Dying(Path({str(killed.folder)!r}), own.TuningRun.open(Path({str(tmp_path)!r}), 'killed').recipe)\n"
        f"resources = own.Resources(base_model=Path({str(model.base_model)!r}))\n"
        "asyncio.run(own.execute(own.plan(run.recipe, own.SFT), run, resources))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert killed.progress()[-1].step == 17
    resumed = asyncio.run(execute(plan(wanted, SFT), TuningRun.open(tmp_path, "killed"), model))
    assert resumed.digest == expected.digest


def test_a_recipe_that_cannot_run_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InvalidRecipe, match="parameters: rank: Input should be greater"):
        plan(recipe(rank=0), SFT)
    with pytest.raises(InvalidRecipe, match="qlora is not available"):
        plan(recipe("qlora"), SFT)
    with pytest.raises(UnsuitableData, match="kind preference, and lora needs sft"):
        plan(recipe(), PAIRS)
    with pytest.raises(UnsuitableData, match="4 training and 0 held-out rows"):
        plan(recipe(), Rows(SFT.train, (), "sft"))
    file = tmp_path / "recipe.yaml"
    file.write_text("name: Not A Name\n")
    with pytest.raises(InvalidRecipe, match=r"recipe.yaml: name: String should match"):
        read_recipe(file)


def test_without_jax_the_error_names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        each
        for each in sys.modules
        if each.startswith(("septet_tuning.training.", "septet_tuning.methods.l"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(MissingExtra) as caught:
        METHODS["lora"]()
    assert "make setup-tuning" in caught.value.fix
