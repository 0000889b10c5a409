"""Cost of long questions, and loading of the classifiers at start-up."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from septet_cache import app
from septet_cache.domain import normalise
from septet_cache.domain.admission import is_volatile
from septet_cache.domain.classifier import classifiers
from septet_cache.domain.normalise import clean, normal_form
from septet_kit import KitSettings
from septet_kit.hostile import UNITS, growth

FUNCTIONS: dict[str, Callable[[str], object]] = {"clean": clean, "form": normal_form, "volatile": is_volatile}


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_cost_grows_linearly_with_the_length(function: Callable[[str], object]) -> None:
    superlinear = {name: ratio for name in UNITS if (ratio := growth(function, name, 8_000)) > 9}
    assert superlinear == {}


def test_result_does_not_depend_on_the_size_of_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "  What  is\n a “deque” –  Ｆｕｌｌ   width ? " * 20
    whole = clean(text)
    for size in range(1, 12):
        monkeypatch.setattr(normalise, "_PIECE", size)
        assert clean(text) == whole


async def test_wiring_loads_the_classifiers() -> None:
    classifiers.cache_clear()

    def no_database(*_: Any) -> Any:
        raise ConnectionError

    kit: Any = SimpleNamespace(settings=KitSettings(), open_pool=no_database)
    with pytest.raises(ConnectionError):
        await app.wire(kit).__aenter__()
    assert classifiers.cache_info().currsize == 1
