"""Training of the injection model; ``benchmarks.guardrails.injection`` runs it.

Logistic regression with L2 regularisation and balanced classes over hashed n-grams and the signals of
``septet_guardrails.domain.injection.model``. Weights of n-grams are rounded to 8 bits.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import septet_guardrails
from scipy.sparse import csr_matrix, hstack
from septet_guardrails.domain.injection.linear import LinearHead, features
from septet_guardrails.domain.injection.model import (
    InjectionModel,
    InstructionClassifier,
    Signals,
    windows_of,
)
from sklearn.linear_model import LogisticRegression

from benchmarks.guardrails.injection_sets import Case

BUCKETS = 1 << 16
REGULARISATION = 4.0
NGRAM_SCALE = 0.4
"""Factor of the n-gram values: a smaller one gives the signals more influence."""

MAX_WINDOWS = 3
"""Most windows of a harmless text that train. Of an attack only the first one trains."""


@dataclass(frozen=True)
class Example:
    """A window that trains, in numbers."""

    attack: bool
    ngrams: dict[int, float]
    signals: Signals


def examples(case: Case, classify: InstructionClassifier) -> list[Example]:
    """Return the windows of a case that train."""
    windows = list(windows_of(case.text))[: 1 if case.attack else MAX_WINDOWS]
    return [Example(case.attack, features(w.text, BUCKETS), w.judged(classify)) for w in windows]


def fit(found: list[Example], classify: InstructionClassifier) -> InjectionModel:
    """Fit on labelled windows."""
    indptr = np.cumsum([0, *(len(example.ngrams) for example in found)])
    indices = np.concatenate([np.fromiter(example.ngrams.keys(), np.int32) for example in found])
    values = np.concatenate([np.fromiter(example.ngrams.values(), np.float64) for example in found])
    ngrams = csr_matrix((values * NGRAM_SCALE, indices, indptr), shape=(len(found), BUCKETS))
    signals = csr_matrix(np.array([example.signals for example in found]))
    model = LogisticRegression(
        C=REGULARISATION, class_weight="balanced", solver="liblinear", max_iter=400, tol=1e-3, random_state=0
    )
    model.fit(hstack([ngrams, signals]).tocsr(), [example.attack for example in found])
    weights = model.coef_[0][:BUCKETS] * NGRAM_SCALE
    scale = float(np.abs(weights).max() / 127)
    rounded = np.round(weights / scale).astype(np.int8)
    head = LinearHead(BUCKETS, scale, float(model.intercept_[0]), rounded.tobytes())
    return InjectionModel(head, Signals(*(round(float(w), 4) for w in model.coef_[0][BUCKETS:])), classify)


def write(model: InjectionModel, found: list[Example]) -> None:
    """Write the model to the package."""
    about = {
        "made_by": "benchmarks/guardrails/injection.py",
        "attacks": sum(example.attack for example in found),
        "harmless": sum(not example.attack for example in found),
        "sources": "deepset/prompt-injections (Apache-2.0), Purple Llama CyberSecEval (MIT), giskard prompt-injections "
        "(Apache-2.0), awesome-chatgpt-prompts (CC0), TyDi QA (Apache-2.0, CC BY-SA 3.0), Question_pair (MIT), "
        "self-instruct (Apache-2.0), LLMBar (MIT), MT-Bench (Apache-2.0), HaluEval (MIT), FastStream (Apache-2.0), "
        "TruthfulQA (Apache-2.0), BFCL (Apache-2.0), anthropic-cookbook (MIT), CLINC150 (CC BY 3.0), "
        "BANKING77 (CC BY 4.0), and templates of our own",
        "crc32": zlib.crc32(model.head.weights),
    }
    body = {"about": about, "signals": model.weights._asdict(), **model.head.dumps()}
    path = Path(septet_guardrails.__file__).parent / "weights" / "injection.json"
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    print(
        f"{path.name}: {path.stat().st_size / 1024:.0f} KiB, {about['attacks']} attacks, {about['harmless']} harmless"
    )


def write_curve(
    model: InjectionModel, roc: Mapping[str, Any], harmless: Mapping[str, Sequence[float]]
) -> None:
    """Write the lowest score of each false-positive rate to the package, with the checksum of the model."""
    points = [[rate, score] for rate, _, score in roc["points"] if score is not None and rate > 0]
    about = {
        "made_by": "benchmarks/guardrails/injection.py",
        "points": "false-positive rate (mean over the sets, each left out of training) and lowest score with this rate",
        "sets": len(harmless),
        "texts": sum(map(len, harmless.values())),
        "crc32": zlib.crc32(model.head.weights),
    }
    body = {"about": about, "points": points}
    path = Path(septet_guardrails.__file__).parent / "weights" / "injection_curve.json"
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
