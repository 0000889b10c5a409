"""BERTScore and MoverScore on the token vectors of a model that the caller provides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from septet_experiments.errors import NotComputable
from septet_experiments.metrics.definition import Built, Definition, Resources
from septet_experiments.metrics.metric import Observed
from septet_experiments.metrics.reply import answer_of, has_references, references_of

if TYPE_CHECKING:
    from septet_experiments.metrics.matching import Idf, Tokens

_MAX_MOVED = 300
"""The linear programme of MoverScore has a variable for each pair of tokens."""
_CACHED_TEXTS = 256


def _semantic(name: str, resources: Resources, _cutoff: int | None) -> Built:
    from septet_experiments.metrics import matching

    model = resources.token_vectors
    assert model is not None
    # A text with as many tokens as the model reads may have been cut.
    compare: Callable[[Tokens, Tokens, Idf], float]
    compare, longest = {
        "bertscore": (matching.bert_f1, model.max_tokens - 1),
        "moverscore": (matching.mover_similarity, min(_MAX_MOVED, model.max_tokens - 1)),
    }[name]
    idf = matching.Idf.of(model.tokenize(text) for text in resources.idf_texts)
    encode = lru_cache(_CACHED_TEXTS)(lambda text: matching.Tokens.of(*model.encode(text)))

    def value(observed: Observed) -> float:
        answer = _encoded(encode, answer_of(observed.response), longest)
        references = [_encoded(encode, text, longest) for text in references_of(observed.case)]
        if not all(reference.pieces for reference in references):
            raise NotComputable("a reference has no token")
        return max(compare(answer, reference, idf) for reference in references)

    return Built(value, {"model": model.model, "layer": model.layer, "idf": _idf_name(resources.idf_texts)})


def _encoded(encode: Callable[[str], Tokens], text: str, longest: int) -> Tokens:
    tokens = encode(text)
    if len(tokens.pieces) > longest:
        raise NotComputable(f"a text has more than {longest} tokens")
    return tokens


def _idf_name(texts: Sequence[str]) -> str:
    if not texts:
        return "no"
    digest = hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()
    return f"{len(texts)} texts {digest[:12]}"


def _definition(name: str, measures: str, value_range: str, source: str) -> Definition:
    return Definition(
        name=name,
        measures=measures,
        value_range=value_range,
        context="context-free",
        needs="`references`; `token_vectors`",
        source=source,
        build=partial(_semantic, name),
        applies=has_references,
        resources=frozenset({"token_vectors"}),
    )


DEFINITIONS = (
    _definition(
        "bertscore",
        "F1 of the cosines of each token and its nearest token of a reference; not rescaled",
        "-1 to 1",
        "Zhang et al. 2020, on another model: no parity with its values claimed",
    ),
    _definition(
        "moverscore",
        "inverse of the least cost of moving the answer's token vectors to those of a reference",
        "0 to 1",
        "Zhao et al. 2019, on another model: no parity with its values claimed",
    ),
)
