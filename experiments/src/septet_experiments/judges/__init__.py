"""LLM judges: protocols, parsing, record and replay, calibration."""

from septet_experiments.judges.calls import ChatCall, Reply, Token, Usage
from septet_experiments.judges.cards import Bar, CalibrationCard, CardFolder, Standing, standing
from septet_experiments.judges.endpoint import ChatEndpoint, EndpointSettings
from septet_experiments.judges.errors import (
    JudgeRejected,
    JudgeUnavailable,
    MissingJudgment,
    SelfJudge,
    Unparsed,
)
from septet_experiments.judges.identity import ModelIdentity, check_not_generator, is_same_model
from septet_experiments.judges.protocols import (
    Groundedness,
    Item,
    JudgeModel,
    JudgeProtocol,
    Judgment,
    Pairwise,
    Reference,
    Rubric,
)
from septet_experiments.judges.store import JudgmentStore, record
from septet_experiments.judges.suite import JudgeMetric, JudgeSection, judge_metrics, pending, required_probe

__all__ = [
    "Bar",
    "CalibrationCard",
    "CardFolder",
    "ChatCall",
    "ChatEndpoint",
    "EndpointSettings",
    "Groundedness",
    "Item",
    "JudgeMetric",
    "JudgeModel",
    "JudgeProtocol",
    "JudgeRejected",
    "JudgeSection",
    "JudgeUnavailable",
    "Judgment",
    "JudgmentStore",
    "MissingJudgment",
    "ModelIdentity",
    "Pairwise",
    "Reference",
    "Reply",
    "Rubric",
    "SelfJudge",
    "Standing",
    "Token",
    "Unparsed",
    "Usage",
    "check_not_generator",
    "is_same_model",
    "judge_metrics",
    "pending",
    "record",
    "required_probe",
    "standing",
]
