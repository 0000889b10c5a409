"""The shared test suite of query plans: every SQL statement of a service uses its index on large tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest
from septet_kit.store.plans import Expected, faults_of
from septet_kit.store.pool import StorePool


class PlanSuite:
    """Subclass it in the tests of a service.

    Attributes:
        statements: the service's SQL by name.
        expected: the plans that each statement needs.
        load: statements that fill the tables.
    """

    statements: ClassVar[Mapping[str, str]]
    expected: ClassVar[Mapping[str, Expected | Sequence[Expected]]]
    load: ClassVar[Sequence[str]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run the test of plans once for each expected plan."""
        if "plan" in metafunc.fixturenames:
            cases = [
                (name, plan)
                for name, plans in self.expected.items()
                for plan in ([plans] if isinstance(plans, Expected) else plans)
            ]
            metafunc.parametrize(("name", "plan"), cases, ids=[f"{name}-{p.tenant}" for name, p in cases])

    def test_every_statement_is_checked(self) -> None:
        assert set(self.statements) == set(self.expected)

    async def test_each_statement_uses_its_index(self, grown: StorePool, name: str, plan: Expected) -> None:
        assert await faults_of(grown, self.statements[name], plan) == []
