"""Rows of datasets."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError
from septet_tuning.rows import AnyRow, Classified, Origin

ROW = TypeAdapter(AnyRow)


def test_the_kind_selects_the_model_of_a_row() -> None:
    row = Classified(id="1", text="환불해 주세요", label="refund", origin=Origin(source="file"))
    assert ROW.validate_json(row.model_dump_json()) == row


@pytest.mark.parametrize("weight", [0, -1, 1.5])
def test_a_weight_is_above_zero_and_at_most_one(weight: float) -> None:
    with pytest.raises(ValidationError, match="weight"):
        Classified(id="1", text="t", label="l", weight=weight, origin=Origin(source="file"))
