"""Tunes a LoRA on the routing task, and asks base and adapter through the embedded llama.cpp server.

``python -m benchmarks.tuning.tune_routing --seeds 0 1 --json FILE``; each seed takes minutes on one core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from septet_native.models.smollm import ensure_model
from septet_native.packages.cache import cache_root
from septet_tuning.methods import Resources
from septet_tuning.recipes import Recipe
from septet_tuning.rows import Demonstration, Kind
from septet_tuning.runner import execute, plan
from septet_tuning.tuning_runs import TuningRun

from benchmarks.tuning.routing import HELD_OUT, TRAIN, rows

STEPS = 24


class Routing:
    """The routing task as a dataset."""

    name = "routing"
    version = 1
    kind: Kind = "sft"
    digest = "benchmarks/tuning/routing.py"

    def rows(self, split: str) -> tuple[Demonstration, ...]:
        """The rows of one split."""
        return rows(TRAIN if split == "train" else HELD_OUT, split)


def recipe(seed: int) -> Recipe:
    """LoRA of rank 8 on all projections."""
    parameters = {
        "steps": STEPS,
        "batch": 4,
        "evaluate_every": STEPS // 2,
        "checkpoint_every": 8,
        "max_tokens": 96,
    }
    return Recipe(
        name="routing",
        method="lora",
        data="routing",
        base="septet-small",
        alias="chat",
        seed=seed,
        parameters=parameters,
    )


def serve(model: Path, adapter: Path) -> Any:
    """The embedded server with the adapter loaded."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx, params.n_parallel, params.port = 512, 1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.use_jinja, params.verbosity = True, -1
    loaded = xllamacpp.CommonAdapterLoraInfo()
    loaded.path, loaded.scale = str(adapter), 1.0
    params.lora_adapters = [loaded]
    return xllamacpp.Server(params)


def ask(address: str, row: Demonstration, scale: float) -> str:
    """The greedy answer to a row's prompt."""
    body = {
        "messages": [message.model_dump() for message in row.messages[:-1]],
        "temperature": 0,
        "max_tokens": 12,
        "lora": [{"id": 0, "scale": scale}],
    }
    request = urllib.request.Request(
        f"{address}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        return str(json.load(response)["choices"][0]["message"]["content"])


def accuracy(address: str, scale: float) -> dict[str, Any]:
    """Exactly right answers on held-out rows, by language, and the first three answers."""
    held_out = rows(HELD_OUT, "held_out")
    answers = [ask(address, row, scale) for row in held_out]
    right = [answer == row.messages[-1].content for answer, row in zip(answers, held_out, strict=True)]
    by_language = {
        language: f"{sum(hit for hit, row in zip(right, held_out, strict=True) if row.language == language)}"
        f"/{sum(row.language == language for row in held_out)}"
        for language in ("en", "ko")
    }
    return {"right": sum(right), "of": len(right), **by_language, "answers": answers[:3]}


def measure(seed: int, folder: Path) -> dict[str, Any]:
    """One seed: figures of the run, of the served model, and what training cost."""
    model = ensure_model(cache_root(None))
    planned = plan(recipe(seed), Routing())
    result = asyncio.run(
        execute(planned, TuningRun.create(folder, planned.recipe), Resources(base_model=model))
    )
    usage = resource.getrusage(resource.RUSAGE_SELF)
    server = serve(model, result.run.artifact_folder / "adapter.gguf")
    address = server.listening_address
    return {
        "seed": seed,
        "steps": STEPS,
        "before": result.figures.before,
        "after": result.figures.after,
        "counts": result.figures.counts,
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_memory_mib": round(usage.ru_maxrss / 1024),
        "served_base": accuracy(address, 0.0),
        "served_adapter": accuracy(address, 1.0),
    }


def main() -> None:
    """Run each seed in its own process, and write the results."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.one is not None:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(a.one, Path(folder)), ensure_ascii=False), flush=True)
        # The server has no shutdown call.
        os._exit(0)
    results = []
    for seed in a.seeds:
        command = [sys.executable, "-m", "benchmarks.tuning.tune_routing", "--one", str(seed)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        results.append(json.loads(done.stdout.strip().splitlines()[-1]))
        print(json.dumps(results[-1], ensure_ascii=False), flush=True)
        if a.json:
            a.json.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
