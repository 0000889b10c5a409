"""Train the injection head and write its weights to the package.

    SEPTET_DATA=… python -m benchmarks.guardrails.train_injection

Logistic regression over hashed n-grams (``septet_guardrails.domain.linear``) with L2 regularisation and balanced classes;
weights are rounded to 8 bits. Takes about half a minute on one core.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import septet_guardrails
from scipy.sparse import csr_matrix
from septet_guardrails.domain.linear import LinearHead, features
from sklearn.linear_model import LogisticRegression

from benchmarks.guardrails.injection_sets import Case, cases

BUCKETS = 1 << 16
REGULARISATION = 12.0


def fit(cases: list[Case]) -> LinearHead:
    """Fit on labelled cases."""
    vectors = [features(case.text, BUCKETS) for case in cases]
    indptr = np.cumsum([0, *(len(v) for v in vectors)])
    indices = np.concatenate([np.fromiter(v.keys(), np.int32) for v in vectors])
    values = np.concatenate([np.fromiter(v.values(), np.float64) for v in vectors])
    matrix = csr_matrix((values, indices, indptr), shape=(len(cases), BUCKETS))
    model = LogisticRegression(C=REGULARISATION, class_weight="balanced", max_iter=400)
    model.fit(matrix, [case.attack for case in cases])
    weights = model.coef_[0]
    scale = float(np.abs(weights).max() / 127)
    rounded = np.round(weights / scale).astype(np.int8)
    return LinearHead(BUCKETS, scale, float(model.intercept_[0]), rounded.tobytes())


def main() -> None:
    found = [case for case in cases() if case.trains]
    head = fit(found)
    about = {
        "made_by": "benchmarks/guardrails/train_injection.py",
        "attacks": sum(case.attack for case in found),
        "plain": sum(not case.attack for case in found),
        "sources": "deepset/prompt-injections (Apache-2.0), Purple Llama CyberSecEval (MIT), TyDi QA (Apache-2.0), "
        "Question_pair (MIT), self-instruct (Apache-2.0), TruthfulQA (Apache-2.0), BFCL (Apache-2.0), "
        "anthropic-cookbook (MIT), CLINC150 (CC BY 3.0), BANKING77 (CC BY 4.0), and templates of our own",
        "crc32": zlib.crc32(head.weights),
    }
    path = Path(septet_guardrails.__file__).parent / "weights" / "injection.json"
    path.write_text(head.dumps(about), encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB, {about['attacks']} attacks, {about['plain']} plain")


if __name__ == "__main__":
    main()
