"""ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) by rouge-score."""

from __future__ import annotations

from functools import partial

from septet_experiments.errors import NotComputable
from septet_experiments.metrics.definition import Built, Definition, Resources
from septet_experiments.metrics.metric import Observed
from septet_experiments.metrics.reply import answer_of, has_references, references_of
from septet_experiments.metrics.units import OverlapTokenizer

_MAX_TOKENS = 3000
"""rouge-score fills a table of answer × reference tokens in Python: 3,000 tokens each take seconds."""


def _rouge(kind: str, _resources: Resources, _cutoff: int | None) -> Built:
    from importlib.metadata import version

    from rouge_score.rouge_scorer import RougeScorer

    tokenizer = OverlapTokenizer()
    scorer = RougeScorer([kind], tokenizer=tokenizer)

    def f_measure(observed: Observed) -> float:
        references = references_of(observed.case)
        answer = answer_of(observed.response)
        lengths = [len(tokenizer.tokenize(text)) for text in (answer, *references)]
        if 0 in lengths[1:]:
            raise NotComputable("a reference has no Latin letter, digit, Hangul, Kana or Han character")
        if max(lengths) > _MAX_TOKENS:
            raise NotComputable(f"a text has {max(lengths)} tokens, more than {_MAX_TOKENS}")
        return float(scorer.score_multi(references, answer)[kind].fmeasure)

    details = {"value": "f1", "stem": "no", "tok": "rouge-score", "ko": "characters"}
    return Built(f_measure, {**details, "rouge-score": version("rouge-score")})


def _definition(name: str, kind: str, measures: str) -> Definition:
    return Definition(
        name=name,
        measures=measures,
        value_range="0 to 1",
        context="context-free",
        needs="`references`",
        source="Lin 2004; rouge-score",
        build=partial(_rouge, kind),
        applies=has_references,
    )


DEFINITIONS = (
    _definition("rouge1", "rouge1", "F1 of the words shared with a reference; Korean: of the characters"),
    _definition("rouge2", "rouge2", "F1 of the pairs of neighbouring words; Korean: of characters"),
    _definition("rouge_l", "rougeL", "F1 of the longest common subsequence of words; Korean: of characters"),
)
