"""Metrics of a shadow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, start_http_server

from septet_cli.errors import CliError

if TYPE_CHECKING:
    from septet_cli.shadow.session import Shadow

requests = Gauge(
    "septet_shadow_requests", "Requests of a shadow since its start, by what became of them.", ["state"]
)
dropped = Gauge(
    "septet_shadow_dropped", "Selected requests that were not mirrored, since its start.", ["reason"]
)
live_lag = Gauge("septet_shadow_live_lag", "Unread records of the first changed stage of the live side.")
looks = Counter("septet_shadow_looks_total", "Looks of the gate.", ["verdict"])


def serve(port: int) -> None:
    """Serve the metrics on loopback.

    Raises:
        CliError: the port is in use.
    """
    try:
        start_http_server(port, addr="127.0.0.1")
    except OSError as error:
        raise CliError(f"--metrics-port {port}: {error.strerror}.", "give another port") from error


def show(shadow: Shadow) -> None:
    """Set the gauges to the state of a shadow."""
    intake = shadow.intake
    for state, count in (("seen", intake.seen), ("mirrored", intake.mirrored), ("compared", shadow.compared)):
        requests.labels(state).set(count)
    for reason, count in intake.dropped.items():
        dropped.labels(reason).set(count)
    live_lag.set(intake.lag)
