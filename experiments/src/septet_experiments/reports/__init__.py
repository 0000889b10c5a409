"""A comparison of two runs, and its forms: text, JSON, JUnit XML and HTML."""

from septet_experiments.reports.compare import compare
from septet_experiments.reports.comparison import (
    CaseDifference,
    Comparison,
    ErrorCount,
    MetricResult,
    SliceResult,
)
from septet_experiments.reports.junit import to_junit
from septet_experiments.reports.page import to_html
from septet_experiments.reports.text import to_text

__all__ = [
    "CaseDifference",
    "Comparison",
    "ErrorCount",
    "MetricResult",
    "SliceResult",
    "compare",
    "to_html",
    "to_json",
    "to_junit",
    "to_text",
]


def to_json(comparison: Comparison) -> str:
    """All of the comparison, indented. A value that does not exist is `null`."""
    return comparison.model_dump_json(indent=1) + "\n"
