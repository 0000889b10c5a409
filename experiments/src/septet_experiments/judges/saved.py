"""Saved verdicts of judges on labelled pairs, one JSON line each: ``id``, ``judge``, ``strategy``, ``winner``,
``winner_swapped``. Both winners are in terms of the original order; null is a reply without a verdict."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from septet_experiments.errors import ExperimentError
from septet_experiments.judges.labelled import LabelledPair, pair_label
from septet_experiments.judges.measures import PairVerdicts

SavedVerdicts = Mapping[tuple[str, str], Sequence[PairVerdicts]]
"""Verdicts by judge and strategy."""


def parse_saved(lines: Iterable[str], pairs: Sequence[LabelledPair]) -> SavedVerdicts:
    """Join saved verdicts to their pairs.

    Raises:
        ExperimentError: a line is no verdict or has no pair, or a judge has no verdict on some pair.
    """
    by_id = {pair.id: pair for pair in pairs}
    found: dict[tuple[str, str], list[PairVerdicts]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            winners = [None if row[k] is None else pair_label(row[k]) for k in ("winner", "winner_swapped")]
            verdicts = PairVerdicts(by_id[row["id"]], *winners)
            found[row["judge"], row["strategy"]].append(verdicts)
        except (ValueError, KeyError, TypeError) as error:
            raise ExperimentError(f"saved verdicts, line {number}: {error!r}") from error
    for (judge, strategy), verdicts_of_judge in found.items():
        if {v.pair.id for v in verdicts_of_judge} != set(by_id):
            raise ExperimentError(f"{judge} ({strategy}) has no verdict on some pairs")
    return dict(found)
