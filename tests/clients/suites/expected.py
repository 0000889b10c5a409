"""A plugin of pytest that runs in ``.venv-clients``: the API key, and the tests that are expected to fail.

``expected-failures.toml`` has a table for each suite, with a reason for each pattern of test names. Such a test must fail:
if it passes, its entry is out of date, and the run fails. A pattern that matches no test fails the run, too.
"""

from __future__ import annotations

import os
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("expected-failures.toml")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--suite", required=True, help="table of expected-failures.toml")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reasons: dict[str, str] = tomllib.loads(LIST.read_text("utf-8")).get(config.getoption("--suite"), {})
    unused = set(reasons)
    for item in items:
        for pattern, reason in reasons.items():
            if fnmatch(item.nodeid, pattern):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
                unused.discard(pattern)
    if unused:
        raise pytest.UsageError(f"{LIST.name}: no test matches {', '.join(sorted(unused))}")
    _use_key(config)


def _use_key(config: pytest.Config) -> None:
    """The tests of the openai package have a fixed key, which no gateway accepts."""
    for plugin in config.pluginmanager.get_plugins():
        for name in ("api_key", "admin_api_key"):
            if isinstance(getattr(plugin, name, None), str):
                setattr(plugin, name, os.environ["OPENAI_API_KEY"])
