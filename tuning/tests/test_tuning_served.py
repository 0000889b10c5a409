"""The embedded llama.cpp server and the forward pass agree within the error of 8-bit activations, also on an adapter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs `make setup-tuning`")
pytestmark = [pytest.mark.slow, pytest.mark.servers]

# The server has no shutdown call, so it runs in a process of its own.
PROGRAM = """
import json, os, sys, urllib.request
from pathlib import Path
import jax, numpy as np, xllamacpp
from septet_native.models.smollm import ensure_model
from septet_native.packages.cache import cache_root
from septet_tuning.rows import Message
from septet_tuning.training.chat import Chat
from septet_tuning.training.export import write_gguf
from septet_tuning.training.llama import hidden_states, load_weights
from septet_tuning.training.lora import new_adapter

def post(path, body):
    content = json.dumps(body).encode()
    request = urllib.request.Request(server.listening_address + path, content, {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=100))

model = ensure_model(cache_root(None))
chat, (shape, weights) = Chat(model), load_weights(model)
random = np.random.default_rng(0)
adapter = new_adapter(shape, ["attn_q", "attn_k", "attn_output", "ffn_down"], 4, 0)
adapter = {n: {"a": p["a"], "b": random.normal(0, 0.12, p["b"].shape).astype("float32")} for n, p in adapter.items()}
file = Path(sys.argv[1]) / "adapter.gguf"
write_gguf(file, shape, adapter, 8.0, "random")
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.port, params.verbosity = str(model), 512, 1, 0, -1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
loaded = xllamacpp.CommonAdapterLoraInfo()
loaded.path, loaded.scale = str(file), 1.0
params.lora_adapters = [loaded]
server = xllamacpp.Server(params)
text = chat.render([Message(role="user", content="Name 12 colours. 대한민국의 수도는?")])
tokens = chat.encode(text)
asked = chat.encode(chat.render([Message(role="user", content="What is the capital of France?")]))
found = {"same_tokens": post("/tokenize", {"content": text, "parse_special": True})["tokens"] == tokens}
forward = jax.jit(lambda delta, ids: jax.nn.log_softmax(hidden_states(shape, weights, delta, 2.0, ids) @ weights["output"].T))
for name, delta, scale in (("base", {}, 0.0), ("adapted", adapter, 1.0)):
    body = {"prompt": asked, "n_predict": 1, "temperature": 0, "n_probs": 20, "cache_prompt": False}
    body["lora"] = [{"id": 0, "scale": scale}]
    answer = post("/completion", body)
    assert "completion_probabilities" in answer, answer
    top = answer["completion_probabilities"][0]["top_logprobs"]
    own = np.asarray(forward(delta, np.array([asked])))[0, -1]
    found[name] = [[each["id"], each["logprob"], float(own[each["id"]])] for each in top]
print(json.dumps(found), flush=True)
os._exit(0)
"""


def test_the_server_and_the_forward_pass_give_the_same_probabilities(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["same_tokens"]
    # The server quantises activations to 8 bits: probabilities differ by a few percent.
    for name in ("base", "adapted"):
        served, own = zip(*((served, own) for _, served, own in found[name]), strict=True)
        assert own[:5] == pytest.approx(served[:5], abs=0.3), name
    before, after = ({i: (served, own) for i, served, own in found[name]} for name in ("base", "adapted"))
    moved = np.array([np.subtract(after[i], before[i]) for i in before.keys() & after.keys()])
    assert len(moved) >= 10
    # A server that leaves the adapter out moves nothing.
    assert np.abs(moved[:, 0]).max() > 0.2
    assert np.corrcoef(moved.T)[0, 1] > 0.7
