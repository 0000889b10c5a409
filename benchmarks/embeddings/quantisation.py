"""Quantisation variants of all-MiniLM-L6-v2: cosine to full precision, and CPU time.

    python -m benchmarks.embeddings.quantisation PROCESSOR [--passages N]

Writes ``results/quantisation-PROCESSOR.json``; PROCESSOR names the kernels of onnxruntime on this processor. The
passages are N each of Cranfield (English) and TyDi QA (Korean). QEMU emulates a processor with AVX2 and without VNNI;
its times are meaningless:

    qemu-x86_64 -cpu max $(readlink -f .venv/bin/python) -m benchmarks.embeddings.quantisation avx2 --passages 0
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic
from septet_native.models import minilm
from septet_native.models.encoder import Encoder
from septet_native.models.quantization import quantize, saturating_weights
from septet_native.packages.wheels import package_file

from benchmarks.retrieval.corpus import data_set

SETS = {"en": "cranfield", "ko": "tydiqa_goldp_ko"}
TEST = {"en": "What does asyncio.gather return?", "ko": "서울은 대한민국의 수도이다."}
ALL = (*minilm.QUANTISED, "EmbedLayerNormalization")
RESULTS = Path(__file__).parent / "results"


def eight_bits(weights: QuantType) -> Callable[[Path, Path], None]:
    """The full 8-bit range of onnxruntime, including embedding tables."""
    options = {"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT}
    return lambda source, target: quantize_dynamic(
        source,
        target,
        weight_type=weights,
        per_channel=True,
        op_types_to_quantize=list(ALL),
        extra_options=options,
    )


VARIANTS: dict[str, Callable[[Path, Path], None]] = {
    "weights of 8 bits, tables of 8 bits": eight_bits(QuantType.QInt8),
    "unsigned weights of 8 bits, tables of 8 bits": eight_bits(QuantType.QUInt8),
    "weights of 7 bits, tables of 8 bits": lambda source, target: quantize(source, target, ALL),
    "weights of 7 bits, tables in float32 (shipped)": lambda source, target: quantize(
        source, target, minilm.QUANTISED
    ),
}


def passages(count: int) -> dict[str, list[str]]:
    """The test sentence of the model and ``count`` documents of each set."""
    found = {}
    for language, name in SETS.items():
        data = data_set(name)
        if data is None:
            raise SystemExit(f"the data set {name} is missing: set SEPTET_DATA to the folder of the sets")
        found[language] = [TEST[language], *(document.text for document in data.documents[:count])]
    return found


def encoded(model: Path, texts: list[str]) -> tuple[NDArray[np.float32], float]:
    """Vectors, and CPU milliseconds per text."""
    encoder = Encoder(model, package_file(minilm.PACKAGE, "model", "tokenizer.json"), minilm.MODEL.max_tokens)
    tokens = encoder.tokenize(texts)
    encoder.run(tokens[:1])
    started = time.process_time()
    vectors = np.concatenate([encoder.run([one]) for one in tokens])
    return vectors, (time.process_time() - started) * 1000 / len(texts)


def figures(model: Path, texts: dict[str, list[str]], full: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    """Cosines to the full-precision vectors, CPU time, and the number of weights that can saturate."""
    found: dict[str, Any] = {
        "megabytes": round(model.stat().st_size / 1e6, 1),
        "weights_that_can_saturate": len(saturating_weights(onnx.load(model))),
    }
    for language, those in texts.items():
        vectors, cpu = encoded(model, those)
        cosines = (vectors * full[language]).sum(axis=1)
        found[language] = {
            "cosine_of_test_sentence": round(float(cosines[0]), 4),
            "cosine_min": round(float(cosines.min()), 4),
            "cosine_mean": round(float(cosines.mean()), 4),
            "cpu_ms_per_passage": round(cpu, 1),
        }
    return found


def main() -> None:
    """Measure every variant and write the results."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("processor")
    parser.add_argument("--passages", type=int, default=150)
    arguments = parser.parse_args()
    texts = passages(arguments.passages)
    result: dict[str, Any] = {"passages": {language: len(those) for language, those in texts.items()}}
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "full.onnx")
        minilm.write_model(source, int8=False)
        full = {language: encoded(source, those)[0] for language, those in texts.items()}
        for name, write in VARIANTS.items():
            target = Path(directory, "int8.onnx")
            write(source, target)
            result[name] = figures(target, texts, full)
            print(name, json.dumps(result[name]), flush=True)
    target = RESULTS / f"quantisation-{arguments.processor}.json"
    target.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
