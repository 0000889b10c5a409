"""nDCG, recall and MRR of the documents of a response, by trec_eval through ir-measures (MacAvaney et al. 2022)."""

from __future__ import annotations

from functools import partial
from typing import Any

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


def _ranking(measure: str, _resources: Resources, cutoff: int | None) -> Built:
    from importlib.metadata import version

    import ir_measures

    wanted = {"ndcg": ir_measures.nDCG, "recall": ir_measures.R, "mrr": ir_measures.RR}[measure]
    chosen = wanted if cutoff is None else wanted @ cutoff

    def value(observed: Observed) -> float:
        if not has_relevant_documents(observed.case):
            raise NotComputable("the case has no `relevant` documents, or turns retrieval off")
        relevant = {name: grade for name, grade in observed.case.relevant.items() if grade > 0}
        ranking = ranked_documents(observed)
        if not ranking:
            # trec_eval leaves out queries without results; with its option -c they count as 0, as here.
            return 0.0
        # Scores state the order, because trec_eval orders equal scores by document id.
        run = {_QUERY: {name: float(len(ranking) - place) for place, name in enumerate(ranking)}}
        return _only(ir_measures.pytrec_eval.iter_calc([chosen], {_QUERY: relevant}, run))

    return Built(value, {"measure": chosen, "unit": "documents", "ir-measures": version("ir-measures")})


def _only(found: Any) -> float:
    (metric,) = found
    return float(metric.value)


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
