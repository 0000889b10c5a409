"""The HTML page: escaping, links, bounds, and nothing that is loaded."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from septet_experiments.cases import Case
from septet_experiments.errors import ExperimentError
from septet_experiments.reports import compare, to_html

from tests.support.report_runs import SCRIPT, comparison, decision, gate, sample, write_run

VOID = {"meta", "link", "br", "img", "input", "hr"}
LOADING = {
    "script",
    "img",
    "iframe",
    "link",
    "object",
    "embed",
    "video",
    "audio",
    "form",
    "base",
    "source",
    "use",
}


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects tags, links and text."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        self.links.extend(value or "" for name, value in attrs if name in ("href", "src"))
        if tag not in VOID and tag not in ("line", "circle", "rect"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_complete_and_loads_nothing(tmp_path: Path) -> None:
    document = to_html(comparison(tmp_path))
    page = Page(document)
    assert LOADING.isdisjoint(page.tags)
    assert "@import" not in document
    assert "url(" not in document
    text = "".join(page.texts)
    for shown in (
        "FAIL",
        "f1 is below the baseline",
        "휴가는 31일입니다",
        "no_response",
        "citations",
        "no citation",
        "model",
    ):
        assert shown in text
    assert page.tags.count("svg") >= 3


def test_hostile_texts_stay_text(tmp_path: Path) -> None:
    document = to_html(comparison(tmp_path), trace_url="http://localhost:16686/trace/{trace_id}")
    page = Page(document)
    assert "<script" not in document
    assert "script" not in page.tags
    assert f"{SCRIPT} What is 2 < 3?" in "".join(page.texts)
    assert "javascript:" not in document
    assert "b" not in page.tags
    assert "https://intranet.example/leave" in page.links


def test_both_traces_are_links_if_a_template_is_given(tmp_path: Path) -> None:
    links = Page(to_html(comparison(tmp_path), trace_url="https://traces.example/{trace_id}?a=1&b=2")).links
    assert f"https://traces.example/{'b' * 32}?a=1&b=2" in links
    assert sum("traces.example" in link for link in links) == 7
    assert not any("traces.example" in link for link in Page(to_html(comparison(tmp_path))).links)


@pytest.mark.parametrize(
    "template", ["javascript:alert('{trace_id}')", "https://traces.example/", "{trace_id}"]
)
def test_a_template_that_is_no_address_of_a_trace_is_refused(tmp_path: Path, template: str) -> None:
    with pytest.raises(ExperimentError, match="not the address of a trace"):
        to_html(comparison(tmp_path), trace_url=template)


def test_a_trace_id_that_is_none_is_not_linked(tmp_path: Path) -> None:
    case = [Case(id="c", question="?")]
    runs = [
        write_run(tmp_path / name, case, [sample("c", "x", {"f1": 1}, response={"trace_id": '"><script>'})])
        for name in "ab"
    ]
    document = to_html(compare(*runs, gate(decision("PASS"))), trace_url="https://traces.example/{trace_id}")
    assert "traces.example" not in document
    assert "<script" not in document


def test_a_result_without_a_difference_has_no_plot(tmp_path: Path) -> None:
    undecided = decision("INCONCLUSIVE", difference=None, lower=None, upper=None, n=0)
    assert "INCONCLUSIVE" in "".join(Page(to_html(comparison(tmp_path, undecided))).texts)


@pytest.mark.slow
def test_a_thousand_cases_are_bounded_and_the_page_names_the_rest(tmp_path: Path) -> None:
    cases = [Case(id=f"c{number}", question="어떻게 하나요? " * 10, slices={"shard": str(number % 50)}) for number in range(1000)]  # fmt: skip
    answer = "The quick brown fox jumps over the lazy dog. " * 20
    before = write_run(tmp_path / "a", cases, [sample(case.id, answer, {"f1": 1.0}) for case in cases])
    after = write_run(tmp_path / "b", cases, [sample(case.id, answer.replace("fox", "cat"), {"f1": number / 1000}) for number, case in enumerate(cases)])  # fmt: skip
    found = compare(before, after, gate(decision(n=1000, clusters=1000)))
    document = to_html(found)
    page = Page(document)
    assert page.tags.count("details") == 100
    assert "100 of 1000 cases are shown" in "".join(page.texts).replace("paired cases", "cases")
    assert len(document) < 1_000_000
