"""Gates: whether a candidate is worse than its baseline. PASS, FAIL or INCONCLUSIVE."""

from septet_experiments.gates.families import decide_all, holm
from septet_experiments.gates.groups import Group, compare
from septet_experiments.gates.looks import Spending, at_look, look_levels
from septet_experiments.gates.paired import decide
from septet_experiments.gates.pairing import Run, pair
from septet_experiments.gates.pairs import Pairs
from septet_experiments.gates.rule import EXIT_CODES, Counts, Decision, GateResult, GateRule, Method, Verdict
from septet_experiments.gates.stopping import Limits, Look, Side, StopRule, Watched

__all__ = [
    "EXIT_CODES",
    "Counts",
    "Decision",
    "GateResult",
    "GateRule",
    "Group",
    "Limits",
    "Look",
    "Method",
    "Pairs",
    "Run",
    "Side",
    "Spending",
    "StopRule",
    "Verdict",
    "Watched",
    "at_look",
    "compare",
    "decide",
    "decide_all",
    "holm",
    "look_levels",
    "pair",
]
