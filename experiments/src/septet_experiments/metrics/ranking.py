"""nDCG, recall and MRR of the documents of a response, by trec_eval through ir-measures (MacAvaney et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from septet_experiments.cases import Case
from septet_experiments.errors import NotComputable
from septet_experiments.metrics.definition import Built, Definition, Resources
from septet_experiments.metrics.metric import Observed
from septet_experiments.metrics.reply import require_result, searches

_QUERY = "q"


def has_relevant_documents(case: Case) -> bool:
    """Whether a case searches documents of which relevant ones are known."""
    return searches(case) and any(grade > 0 for grade in case.relevant.values())


def ranked_documents(observed: Observed) -> list[str]:
    """Documents of the response's sources in their order, each at the place of its first passage.

    Raises:
        NotComputable: the request searched no documents.
    """
    require_result(observed.response)
    if observed.response.status == "blocked":
        raise NotComputable("the request was blocked before it searched documents")
    sources = sorted(observed.response.sources, key=lambda source: source.number)
    return list(dict.fromkeys(source.document_id for source in sources))


class RankingMeasure:
    """A measure of one ranking: `ndcg`, `recall` or `mrr`, of the first ``cutoff`` documents or of all."""

    def __init__(self, name: str, cutoff: int | None = None) -> None:
        import ir_measures

        wanted = {"ndcg": ir_measures.nDCG, "recall": ir_measures.R, "mrr": ir_measures.RR}[name]
        self._measure = wanted if cutoff is None else wanted @ cutoff
        self._calculate = ir_measures.pytrec_eval.iter_calc

    def __str__(self) -> str:
        return str(self._measure)

    def value(self, ranking: Sequence[str], relevant: Mapping[str, int]) -> float:
        """The value of a ranking, 0 to 1.

        Args:
            ranking: ids of documents, the best first, each once.
            relevant: relevance grade by document id, at least one of 1 or more.
        """
        if not ranking:
            # trec_eval leaves out queries without results; with its option -c they count as 0, as here.
            return 0.0
        grades = {name: grade for name, grade in relevant.items() if grade > 0}
        # Scores state the order, because trec_eval orders equal scores by document id.
        run = {_QUERY: {name: float(len(ranking) - place) for place, name in enumerate(ranking)}}
        (found,) = self._calculate([self._measure], {_QUERY: grades}, run)
        return float(found.value)


def _ranking(name: str, _resources: Resources, cutoff: int | None) -> Built:
    from importlib.metadata import version

    measure = RankingMeasure(name, cutoff)

    def value(observed: Observed) -> float:
        if not has_relevant_documents(observed.case):
            raise NotComputable("the case has no `relevant` documents, or turns retrieval off")
        return measure.value(ranked_documents(observed), observed.case.relevant)

    return Built(value, {"measure": measure, "unit": "documents", "ir-measures": version("ir-measures")})


def _definition(name: str, measures: str, source: str, cutoff: int | None = None) -> Definition:
    return Definition(
        name=name,
        measures=measures,
        value_range="0 to 1",
        context="context-free",
        needs="`relevant`; `sources`",
        source=f"{source}; trec_eval through ir-measures",
        build=partial(_ranking, name),
        applies=has_relevant_documents,
        cutoff=cutoff,
    )


DEFINITIONS = (
    _definition(
        "ndcg",
        "gain of the first k documents, discounted by rank, relative to the best order",
        "Järvelin and Kekäläinen 2002",
        10,
    ),
    _definition("recall", "share of the relevant documents among the first k", "Cleverdon 1967", 10),
    _definition(
        "mrr", "1 divided by the rank of the first relevant document, 0 without one", "Voorhees 1999"
    ),
)
