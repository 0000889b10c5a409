"""Loading documents from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from septet_cli.errors import CliError
from septet_cli.ingest.document import MAX_PART_BYTES, Document, Loaded, Problem, parts
from septet_cli.ingest.files import KNOWN, find_files, load_files
from septet_cli.ingest.load import load_sources
from septet_cli.ingest.manifest import Manifest, known_files
from septet_contracts.documents import UpsertDocument
from septet_readers import Readers


async def load(path: Path, prefix: str | None = None) -> list[Loaded]:
    async with Readers() as readers:
        return [item async for _, items in load_files(find_files(path, prefix), readers) for item in items]


async def test_a_folder_gives_stable_ids_titles_and_media_types(tmp_path: Path) -> None:
    root = tmp_path / "guide"
    (root / "sub").mkdir(parents=True)
    (root / "설치.md").write_text("# 설치 방법\n\n먼저 …", encoding="utf-8")
    (root / "sub" / "page.html").write_text("<title>A page</title><p>text</p>")
    (root / "notes.txt").write_text("plain")
    (root / "code.py").write_text("print(1)")
    (root / ".hidden.md").write_text("# no")
    (root / "image.png").write_bytes(b"\x89PNG")
    found = {d.document_id: (d.title, d.media_type) for d in await load(root) if isinstance(d, Document)}
    assert found == {
        "guide/설치.md": ("설치 방법", "text/markdown"),
        "guide/sub/page.html": ("A page", "text/html"),
        "guide/notes.txt": ("notes", "text/plain"),
        "guide/code.py": ("code", "text/plain"),
    }


async def test_a_prefix_replaces_the_folders_name(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    assert [d.document_id for d in await load(tmp_path, "hand") if isinstance(d, Document)] == ["hand/a.md"]


async def test_an_unreadable_file_is_reported_and_the_others_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    (tmp_path / "b.txt").write_text("  \n")
    (tmp_path / "c.txt").write_bytes("가나다 문서입니다".encode("euc-kr"))
    found = await load(tmp_path)
    assert [type(x) for x in found] == [Problem, Problem, Document]
    assert "damaged" in getattr(found[0], "message", "")
    assert getattr(found[2], "text", "") == "가나다 문서입니다"


def test_a_missing_or_empty_folder_names_the_expected_files(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="does not exist"):
        find_files(tmp_path / "gone")
    with pytest.raises(CliError) as caught:
        find_files(tmp_path)
    assert ".pdf" in caught.value.fix


def test_a_file_has_one_id_alone_and_with_its_folder(tmp_path: Path) -> None:
    deep = tmp_path / "guide" / "sub" / "a.md"
    deep.parent.mkdir(parents=True)
    deep.write_text("x")
    alone, with_folder = find_files(deep)[0], find_files(deep.parent)[0]
    assert alone.document_id == with_folder.document_id == "sub/a.md"
    [of_the_tree] = find_files(tmp_path / "guide")
    assert of_the_tree.document_id == "guide/sub/a.md"
    Manifest(tmp_path / "data", "default", "x").write([], {str(deep): of_the_tree.document_id})
    known = known_files(tmp_path / "data", "default")
    assert find_files(deep, known=known)[0].document_id == "guide/sub/a.md"
    assert known_files(tmp_path / "data", "other") == {}


async def test_two_sources_that_overlap_give_one_document(tmp_path: Path) -> None:
    file = tmp_path / "guide" / "sub" / "a.md"
    file.parent.mkdir(parents=True)
    file.write_text("x")
    loaded = await load_sources([str(tmp_path / "guide"), str(file)])
    assert {d.document_id for source in loaded.values() for d in source.documents} == {"guide/sub/a.md"}


async def test_a_malformed_jsonl_line_is_reported_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    lines = [
        json.dumps({"id": "one", "title": "T", "text": "first"}),
        "{broken",
        "[1]",
        json.dumps({"id": "two"}),
        "",
        json.dumps({"_id": 3, "content": "third"}),
        json.dumps({"text": "nameless"}),
    ]
    file.write_text("\n".join(lines))
    found = await load(file)
    documents = [(d.document_id, d.text) for d in found if isinstance(d, Document)]
    assert documents == [("one", "first"), ("3", "third"), (f"{tmp_path.name}/rows.jsonl#7", "nameless")]
    assert [p.where for p in found if isinstance(p, Problem)] == [f"{file}:{n}" for n in (2, 3, 4)]


@pytest.mark.parametrize("ending", sorted(KNOWN))
async def test_a_file_that_cannot_be_opened_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    (tmp_path / f"a{ending}").write_text('{"text": "x"}')

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert await load(tmp_path) == [Problem(str(tmp_path / f"a{ending}"), "Permission denied")]


def test_events_keep_to_the_limits_of_the_contract() -> None:
    long = Document("d", "x" * (MAX_PART_BYTES + 1), "T" * 2_000, "u" * 3_000, location="L" * 2_000)
    for part in parts(long):
        UpsertDocument.model_validate(part.event("default"))


def test_a_small_document_is_not_divided() -> None:
    document = Document("d", "text", "T")
    assert list(parts(document)) == [document]


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.text(alphabet=st.sampled_from('ab \n가\U0001f600"'), min_size=1, max_size=40), st.booleans())
def test_parts_hold_the_whole_text_within_the_size_limit(seed: str, paragraphs: bool) -> None:
    text = (seed + ("\n\n" if paragraphs else "")) * (MAX_PART_BYTES * 2 // len(seed.encode()) + 1)
    found = list(parts(Document("d", text, "T")))
    assert "".join(p.text for p in found).strip() == text.strip()
    assert all(len(json.dumps(p.text, ensure_ascii=False).encode()) <= MAX_PART_BYTES for p in found)
    assert len({p.document_id for p in found}) == len(found)


def test_manifests_are_per_tenant_and_source(tmp_path: Path) -> None:
    Manifest(tmp_path, "acme", "/docs").write(["b", "a"])
    assert Manifest(tmp_path, "acme", "/docs").read() == {"a", "b"}
    assert Manifest(tmp_path, "other", "/docs").read() == set()
    assert Manifest(tmp_path, "acme", "/else").read() == set()
