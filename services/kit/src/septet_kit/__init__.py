"""The chassis that every Septet service stands on.

A service declares itself (:class:`ServiceSpec`), wires its parts (:class:`Wiring` of :class:`Stage`) and
calls :func:`run`. The chassis consumes with key lanes and contiguous commits, retries, dead-letters,
publishes, traces, and answers for health; a handler takes an event and a :class:`Context` and returns
the events to :class:`Emit`.
"""

from septet_kit.context import Context
from septet_kit.errors import DeadlineExceeded, Permanent, SeptetError, TooLate, Transient
from septet_kit.events import DEFAULT_DEADLINE, MAX_DEADLINE, Emit, Emits, advance, deadline_of
from septet_kit.service import Kit, run
from septet_kit.settings import KitSettings
from septet_kit.spec import Handler, ServiceSpec, Stage, Wiring

__all__ = [
    "DEFAULT_DEADLINE",
    "MAX_DEADLINE",
    "Context",
    "DeadlineExceeded",
    "Emit",
    "Emits",
    "Handler",
    "Kit",
    "KitSettings",
    "Permanent",
    "SeptetError",
    "ServiceSpec",
    "Stage",
    "TooLate",
    "Transient",
    "Wiring",
    "advance",
    "deadline_of",
    "run",
]
