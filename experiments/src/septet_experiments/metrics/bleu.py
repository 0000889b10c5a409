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


class _Bleu:
    """BLEU of sentences and of a corpus, with the tokenizer of the references' language."""

    def __init__(self) -> None:
        from sacrebleu.metrics.bleu import BLEU

        names = _TOKENIZERS.items()
        self._sentences = {ko: BLEU(tokenize=name, effective_order=True, force=True) for ko, name in names}
        self._corpora = {ko: BLEU(tokenize=name, force=True) for ko, name in names}

    def sentence(self, observed: Observed) -> float:
        references = references_of(observed.case)
        bleu = self._sentences[_korean(references)]
        return float(bleu.sentence_score(answer_of(observed.response), references).score)

    def corpus(self, observed: Sequence[Observed]) -> float:
        return self._corpus(observed, korean=False)

    def corpus_ko(self, observed: Sequence[Observed]) -> float:
        return self._corpus(observed, korean=True)

    def _corpus(self, observed: Sequence[Observed], *, korean: bool) -> float:
        answers, references = _texts(observed, korean)
        if not answers:
            language = "Korean" if korean else "other"
            raise NotComputable(f"no answer can be compared with {language} references")
        # One list for each place in the references; a case with fewer references repeats its first one, which
        # changes neither its counts nor its length.
        places = max(map(len, references))
        streams = [[r[place] if place < len(r) else r[0] for r in references] for place in range(places)]
        return float(self._corpora[korean].corpus_score(answers, streams).score)


def _bleu(_resources: Resources, _cutoff: int | None) -> Built:
    from importlib.metadata import version

    bleu = _Bleu()
    # In the notation of sacrebleu, whose own signature fixes one tokenizer.
    details = {
        "nrefs": "var",
        "case": "mixed",
        "eff": "yes",
        "tok": _TOKENIZERS[False],
        "ko": _TOKENIZERS[True],
    }
    details |= {"smooth": "exp", "sacrebleu": version("sacrebleu")}
    return Built(bleu.sentence, details, {"corpus": bleu.corpus, "corpus_ko": bleu.corpus_ko})


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
