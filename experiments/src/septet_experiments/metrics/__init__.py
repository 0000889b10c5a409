"""Metrics of one response, and numbers of a whole run. ``docs/reference/metrics.md`` describes each.

``select`` imports the library of a metric, so that the import of this package stays cheap.
"""

from septet_experiments.errors import NotComputable
from septet_experiments.metrics.abstention import RiskPoint, risk_coverage
from septet_experiments.metrics.correlation import Correlation, correlation
from septet_experiments.metrics.definition import Definition, Resources
from septet_experiments.metrics.metric import Context, Metric, Observed
from septet_experiments.metrics.registry import METRICS, resources_of, select
from septet_experiments.metrics.scoring import Aggregates, aggregate, score
from septet_experiments.metrics.token_vectors import TokenVectors

__all__ = [
    "METRICS",
    "Aggregates",
    "Context",
    "Correlation",
    "Definition",
    "Metric",
    "NotComputable",
    "Observed",
    "Resources",
    "RiskPoint",
    "TokenVectors",
    "aggregate",
    "correlation",
    "resources_of",
    "risk_coverage",
    "score",
    "select",
]
