"""Errors of experiments.

ExperimentError
├── InvalidSuite    a suite, its cases or its settings
├── InvalidRun      the folder of a run
├── NotComparable   two runs that no gate may compare
└── NotComputable   a metric has no value for a sample; it is counted, and never NaN or 0
    └── NotApplicable   the metric does not concern such a response; it is no error
"""

from __future__ import annotations


class ExperimentError(Exception):
    """Base of all errors. ``fix`` names what the user can do; it may be empty."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class InvalidSuite(ExperimentError):
    """A suite, its cases or its settings break their format."""


class InvalidRun(ExperimentError):
    """The folder of a run is missing, incomplete or of another format."""


class NotComparable(ExperimentError):
    """Two runs differ in their cases or in their metric, or hold values that are no numbers."""


class NotComputable(ExperimentError):
    """A metric has no value for a sample. The message is the reason that reports show."""


class NotApplicable(NotComputable):
    """A metric does not concern a response, such as the groundedness of one that declines. It is no error."""
