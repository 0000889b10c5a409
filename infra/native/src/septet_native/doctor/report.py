"""The report of ``septet doctor``: every check, in reading order."""

from __future__ import annotations

from collections.abc import Callable

from septet_native.doctor import machine, programs, running
from septet_native.doctor.check import Check
from septet_native.stack.settings import StackSettings
from septet_native.stack.start_progress import read_starting
from septet_native.stack.state import read_state


async def examine(settings: StackSettings) -> list[Check]:
    """Run every check, in reading order."""
    places = settings.places()
    starting = read_starting(places.data)
    state = read_state(places.data)
    active = state or starting
    return [
        machine.check_python(),
        machine.check_platform(),
        *programs.check_wheels(),
        programs.check_java(),
        machine.check_openmp(),
        _guarded("kafka jars", lambda: programs.check_kafka_jars(places.cache)),
        *programs.check_models(places.cache),
        *programs.check_native(places.cache, needed=settings.stack == "native"),
        machine.check_disk(places.data, "data"),
        machine.check_disk(places.cache, "cache"),
        *([machine.check_memory()] if active is None else []),
        machine.check_writable(places.data, "data directory"),
        machine.check_writable(places.cache, "cache"),
        *running.check_ports(settings, active),
        running.check_leftovers(places, active),
        *([running.check_starting(starting)] if starting else await running.check_running(state)),
    ]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    # A file that cannot be read fails the check instead of the report.
    try:
        return check()
    except OSError as error:
        return Check(name, False, str(error), "fix the permissions, or remove the file")
