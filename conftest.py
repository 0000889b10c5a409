"""Settings of the whole test suite."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.servers", "tests.support.database"]

# Machines are shared: how long an example takes to make, or to check, says nothing about the code.
settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")

_SERVER_FIXTURES = frozenset({"stack", "backend", "kafka", "postgres_server"})
_SERVER_DIRECTORIES = ("tests/integration/", "tests/e2e/", "tests/trace/", "tests/chaos/test_chaos_short.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that start servers: by their directory, or by a fixture that they use, also indirectly."""
    for item in items:
        starts = _SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ()))
        if starts or item.nodeid.startswith(_SERVER_DIRECTORIES):
            item.add_marker("servers")
