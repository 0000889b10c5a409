"""CPU time of the checks of a streamed draft, one for each sentence, against the one check of the whole draft.

``python -m benchmarks.streaming.cost`` runs the output rails of guardrails in this process, with the default policy, and
writes ``results/cost.json``. The passages and sentences are new for each draft, so that no cache of an earlier one helps. A
draft of 60 sentences has 40 chunks, which is the most that generation sends.
"""

from __future__ import annotations

import json
import os
import platform
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from septet_contracts import Ask, Draft, TokenChunk, event_id
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.application.correction import Conclude, decide
from septet_guardrails.application.streaming import SentenceStream
from septet_guardrails.domain.pii import open_end
from septet_guardrails.domain.rails import output_rails
from septet_kit.testing import flow, passage

RESULTS = Path(__file__).parent / "results"
SIZES, DRAFTS, MAX_CHUNKS = (3, 10, 30, 60), 8, 40
WORDS = ["queue", "table", "index", "record", "broker", "ledger", "window", "filter", "vector", "policy"]


def main() -> None:
    """Measure and write the results."""
    rails = output_rails(PresidioNames(), ProfanityModel())
    policy = PolicyFiles.load().find("default", "default")
    # The service prepares its patterns at the start.
    open_end("패턴을 미리 준비한다.")
    rows = []
    for size in SIZES:
        whole, parts, longest = 0.0, 0.0, 0.0
        for number in range(DRAFTS):
            draft, sentences = _draft(size, number)
            began = time.process_time()
            step = decide(draft, policy, rails, 60.0)
            whole += time.process_time() - began
            assert isinstance(step, Conclude)
            assert step.answer == draft.answer
            # Another set of texts: the check before has filled the caches of its sentences.
            draft, sentences = _draft(size, number + 1000)
            stream, shown = SentenceStream(rails), 0
            for chunk in _chunks(draft, sentences):
                began = time.process_time()
                released = stream.release(chunk, policy)
                spent = time.process_time() - began
                parts += spent
                longest = max(longest, spent)
                shown += len(released.text) if released else 0
            assert chunk.draft is not None
            assert shown == len(chunk.draft.answer)
        rows.append(
            {
                "sentences": size,
                "characters": len(draft.answer),
                "whole_ms": round(whole * 1000 / DRAFTS, 1),
                "chunks": min(size - 1, MAX_CHUNKS),
                "chunks_ms": round(parts * 1000 / DRAFTS, 1),
                "longest_chunk_ms": round(longest * 1000, 1),
                "ratio": round(parts / whole, 1),
            }
        )
    found = {
        "measured_at": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "drafts": DRAFTS,
        "rows": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cost.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


def _draft(size: int, number: int) -> tuple[Draft, list[str]]:
    """A draft whose sentences five passages support."""
    said = [
        f"The {WORDS[n % 10]} number {number * 100 + n} of the {WORDS[n // 10 % 10]} has {n + 2} parts and "
        f"moves them to the {WORDS[(n + number) % 10]} when it is full [{n % 5 + 1}]."
        for n in range(size)
    ]
    texts = [" ".join(s.split(" [")[0] + "." for s in said[k::5]) for k in range(5)]
    passages = tuple(passage(text or "It is empty.", n) for n, text in enumerate(texts, 1))
    ask = Ask(question=f"What does table {number} do?", stream=True)
    return flow(Draft, answer=" ".join(said), ask=ask, passages=passages, epoch=1), said


def _chunks(draft: Draft, said: list[str]) -> list[TokenChunk]:
    made: list[TokenChunk] = []
    cuts: tuple[int, ...] = ()
    for count in range(1, min(len(said), MAX_CHUNKS + 1)):
        answer = " ".join(said[:count])
        fields: dict[str, Any] = {
            "request_id": draft.request_id,
            "event_id": event_id("default", draft.request_id, "tokens", str(count)),
            "occurred_at": draft.occurred_at + timedelta(milliseconds=count),
            "draft": draft.model_copy(update={"answer": answer}),
        }
        made.append(TokenChunk(**fields, epoch=1, sequence=count - 1, text="", cuts=cuts))
        cuts = (*cuts, len(answer))
    return made


if __name__ == "__main__":
    main()
