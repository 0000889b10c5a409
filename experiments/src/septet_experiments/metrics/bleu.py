"""BLEU (Papineni et al. 2002) by sacrebleu (Post 2018)."""

from __future__ import annotations

from collections.abc import Sequence

from septet_experiments.errors import NotComputable
from septet_experiments.metrics.definition import Built, Definition, Resources
from septet_experiments.metrics.metric import Observed
from septet_experiments.metrics.reply import answer_of, has_references, references_of
from septet_experiments.metrics.units import is_korean

_TOKENIZERS = {False: "13a", True: "char"}
"""sacrebleu's tokenizer by whether the references are Korean. Its Korean one needs a dictionary that it downloads."""


def _bleu(_resources: Resources, _cutoff: int | None) -> Built:
    from importlib.metadata import version

    from sacrebleu.metrics.bleu import BLEU

    sentences = {
        korean: BLEU(tokenize=name, effective_order=True, force=True) for korean, name in _TOKENIZERS.items()
    }
    corpora = {korean: BLEU(tokenize=name, force=True) for korean, name in _TOKENIZERS.items()}

    def sentence(observed: Observed) -> float:
        references = references_of(observed.case)
        return float(
            sentences[_korean(references)].sentence_score(answer_of(observed.response), references).score
        )

    def corpus(observed: Sequence[Observed], korean: bool) -> float:
        answers, references = _texts(observed, korean)
        if not answers:
            raise NotComputable(
                f"no answer can be compared with {'Korean' if korean else 'other'} references"
            )
        # One list for each place in the references; a case with fewer references repeats its first one, which
        # changes neither its counts nor its length.
        places = max(map(len, references))
        streams = [[r[place] if place < len(r) else r[0] for r in references] for place in range(places)]
        return float(corpora[korean].corpus_score(answers, streams).score)

    # In the notation of sacrebleu, whose own signature fixes one tokenizer.
    details = {
        "nrefs": "var",
        "case": "mixed",
        "eff": "yes",
        "tok": _TOKENIZERS[False],
        "ko": _TOKENIZERS[True],
    }
    details |= {"smooth": "exp", "sacrebleu": version("sacrebleu")}
    return Built(
        sentence,
        details,
        {"corpus": lambda all_: corpus(all_, False), "corpus_ko": lambda all_: corpus(all_, True)},
    )


def _texts(observed: Sequence[Observed], korean: bool) -> tuple[list[str], list[tuple[str, ...]]]:
    """Answers and references of the cases in one language. Cases without both are left out: each is a counted error."""
    answers: list[str] = []
    references: list[tuple[str, ...]] = []
    for one in observed:
        try:
            wanted, got = references_of(one.case), answer_of(one.response)
        except NotComputable:
            continue
        if _korean(wanted) == korean:
            answers.append(got)
            references.append(wanted)
    return answers, references


def _korean(references: Sequence[str]) -> bool:
    return is_korean(" ".join(references))


DEFINITIONS = (
    Definition(
        name="bleu",
        measures="n-grams shared with the references, by sentence; Korean: n-grams of characters",
        value_range="0 to 100",
        context="context-free",
        needs="`references`",
        source="Papineni et al. 2002; sacrebleu (Post 2018)",
        build=_bleu,
        applies=has_references,
        aggregates={
            "corpus": "BLEU of all answers whose references are not Korean",
            "corpus_ko": "BLEU of all answers whose references are Korean",
        },
    ),
)
