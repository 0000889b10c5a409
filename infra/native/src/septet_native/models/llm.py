"""llama.cpp's OpenAI-compatible server: ``python -m septet_native.models.llm --port 8092``."""

from __future__ import annotations

import argparse
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from septet_native.models.smollm import ensure_model
from septet_native.packages.cache import cache_root
from septet_native.processes.parent import follow_parent
from septet_native.processes.ports import LOOPBACK

MODEL = "septet-small"
PROMPT_CACHE_MIB = 128
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


@dataclass(frozen=True)
class Options:
    """Options of the server.

    Attributes:
        model: GGUF file.
        alias: the model's name in the API.
        port: TCP port.
        host: address to listen on.
        slots: number of requests generated at the same time.
        context: tokens of one slot, prompt plus answer.
        threads: number of compute threads.
    """

    model: Path
    alias: str = MODEL
    port: int = 8092
    host: str = LOOPBACK
    slots: int = 2
    context: int = 2048
    threads: int = 2


def serve(options: Options) -> Any:
    """Start the server in threads of this process; it serves until the process ends."""
    # OpenMP reads it when it is loaded. On busy cores, spinning workers are seven times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(options.model)
    params.model_alias = {options.alias}
    params.hostnames = [options.host]
    params.port = options.port
    params.n_parallel = options.slots
    # llama.cpp divides the context among the slots.
    params.n_ctx = options.context * options.slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    params.endpoint_metrics = params.endpoint_slots = True
    # The prompt cache needs to hold a few templates only; its default bound is 8 GB.
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.use_jinja = True
    params.verbosity = -1
    return xllamacpp.Server(params)


def main() -> None:
    """Serve a GGUF model on loopback."""
    parser = argparse.ArgumentParser(prog="python -m septet_native.models.llm", description=main.__doc__)
    parser.add_argument("--port", type=int, default=8092)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on (default: loopback)")
    parser.add_argument(
        "--model", type=Path, help="GGUF file (default: SmolLM2-135M-Instruct from its package)"
    )
    parser.add_argument("--alias", default=MODEL, help="name of the model in the API")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--context", type=int, default=2048, help="tokens of one slot")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path, help="directory of the model file (default: the user's cache)")
    parser.add_argument("--follow-parent", action="store_true", help="end when the parent process ends")
    a = parser.parse_args()
    if a.follow_parent:
        follow_parent()
    model = a.model or ensure_model(cache_root(a.cache))
    # Blocked before the server starts its threads, so that only sigwait below receives the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    server = serve(Options(model, a.alias, a.port, a.host, a.slots, a.context, a.threads))
    print("listening on", server.listening_address, flush=True)
    signal.sigwait(STOP_SIGNALS)
    # The server has no shutdown call, and its destructor waits for requests in progress.
    os._exit(0)


if __name__ == "__main__":
    main()
