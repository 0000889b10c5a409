"""Versions of datasets on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from septet_tuning.datasets import load, write
from septet_tuning.errors import InvalidDataset
from septet_tuning.rows import Classified, Origin


def classified(number: int, label: str = "refund", text: str = "환불해 주세요") -> Classified:
    return Classified(id=str(number), text=text, label=label, origin=Origin(source="file"))


def test_versions_count_up_and_load_as_written(tmp_path: Path) -> None:
    first = write(tmp_path, "intents", {"train": [classified(1)]}, kind="classification")
    second = write(
        tmp_path, "intents", {"train": [classified(1)], "held_out": [classified(2)]}, kind="classification"
    )
    assert (first.version, second.version) == (1, 2)
    assert load("intents", tmp_path) == second
    assert load("intents@1", tmp_path) == first
    assert load(str(first.folder), tmp_path / "elsewhere") == first
    assert first.digest != second.digest
    assert not list((tmp_path / "intents").glob(".new-*"))


def test_an_edited_version_is_rejected(tmp_path: Path) -> None:
    made = write(tmp_path, "intents", {"train": [classified(1)]}, kind="classification")
    path = made.folder / "train.jsonl"
    path.write_text(path.read_text().replace("refund", "praise"))
    with pytest.raises(InvalidDataset, match="digest"):
        load("intents", tmp_path)


@pytest.mark.parametrize("reference", ["other", "intents@2", "../intents/1"])
def test_an_unknown_reference_is_rejected(tmp_path: Path, reference: str) -> None:
    write(tmp_path, "intents", {"train": [classified(1)]}, kind="classification")
    with pytest.raises(InvalidDataset):
        load(reference, tmp_path)


def test_a_dataset_has_one_kind(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="kind"):
        write(tmp_path, "pairs", {"train": [classified(1)]}, kind="kto")


@given(text=st.text(min_size=1))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.mktemp("datasets")
    made = write(root, "texts", {"train": [classified(1, text=text)]}, kind="classification")
    assert load("texts", root) == made
