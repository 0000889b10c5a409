"""CPU time of a request with ``check``: all input rails on a question, all output rails on an answer with one passage.

    SEPTET_DATA=… python -m benchmarks.guardrails.check_time

Calls the handler of ``requests`` without Kafka. English: answers of HaluEval. Korean: the first sentences of TyDi passages as
answers from these passages. The time includes decoding and building the events. Writes ``results/check_time.json``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from septet_contracts import Check, CheckedPassage, Request, encode
from septet_guardrails.adapters.language import FastTextLanguage
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.domain.rails import input_rails, output_rails
from septet_guardrails.handlers import RequestsHandler
from septet_kit.testing import context

from benchmarks.guardrails.sets import rows, save
from benchmarks.guardrails.truncation import first_sentences

COUNT = 300
Triple = tuple[str, str, str]


def english() -> Iterator[Triple]:
    for row in rows("halueval/qa_one_turn"):
        yield row["question"], row["right_answer"], row["knowledge"]


def korean() -> Iterator[Triple]:
    texts = {row["id"]: row["text"] for row in rows("tydiqa_goldp_ko/contexts")}
    for row in rows("tydiqa_goldp_ko/questions"):
        text = texts[row["context_id"]]
        yield row["question"], first_sentences(text), text


async def measure(handler: RequestsHandler, triples: Iterator[Triple]) -> dict[str, Any]:
    """Quantiles over the triples; the first ten warm the caches up."""
    spent = []
    for question, answer, passage in islice(triples, COUNT + 10):
        check = Check(answer=answer, passages=(CheckedPassage(text=passage),))
        request = Request(request_id="r-1", question=question, check=check)
        ctx = context("requests", value=encode(request))
        began = time.process_time()
        await handler(request, ctx)
        spent.append((time.process_time() - began) * 1000)
    ordered = sorted(spent[10:])
    if not ordered:
        return {}
    return {"n": len(ordered)} | {
        f"p{share}_ms": round(ordered[len(ordered) * share // 100], 2) for share in (50, 95, 99)
    }


async def run() -> dict[str, Any]:
    names, profanity = PresidioNames(), ProfanityModel()
    rails = input_rails(injection_model(), injection_curve(), names, profanity)
    handler = RequestsHandler(PolicyFiles.load(), rails, FastTextLanguage(), output_rails(names, profanity))
    return {"en": await measure(handler, english()), "ko": await measure(handler, korean())}


def main() -> None:
    save("check_time", asyncio.run(run()))


if __name__ == "__main__":
    main()
