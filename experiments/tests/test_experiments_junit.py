"""JUnit XML: the structure that GitHub's and GitLab's readers expect."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from septet_experiments.reports import compare, to_junit

from tests.support.report_runs import CASES, comparison, decision, gate, sample, write_run

# The common subset of the JUnit schemas: elements, and for each its attributes and children.
SHAPE: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped", "time"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        set(),
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"name", "classname", "time"}, {"file"}, {"failure", "error", "skipped"}),
    "failure": ({"message", "type"}, set(), set()),
    "error": ({"message", "type"}, set(), set()),
    "skipped": (set(), {"message"}, set()),
    "system-out": (set(), set(), set()),
}


def check(element: ElementTree.Element) -> None:
    """Attributes, children and counts of an element and of all below it."""
    required, optional, children = SHAPE[element.tag]
    assert required <= set(element.attrib) <= required | optional
    assert {child.tag for child in element} <= children
    if element.tag == "testcase":
        assert len(element) <= 1
    if element.tag in ("testsuite", "testsuites"):
        for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):  # fmt: skip
            assert int(element.attrib[attribute]) == sum(1 for _ in element.iter(tag))
    for child in element:
        check(child)


def outcomes(document: str) -> dict[str, str]:
    """Outcome by test case."""
    root = ElementTree.fromstring(document)
    check(root)
    return {case.attrib["name"]: case[0].tag if len(case) else "passed" for case in root.iter("testcase")}


def test_a_failing_gate_fails_its_metric_and_each_case_that_became_worse(tmp_path: Path) -> None:
    found = outcomes(to_junit(comparison(tmp_path, decision(), decision("PASS", "recall"))))
    assert found == {
        "f1 (primary)": "failure",
        "recall (secondary)": "passed",
        "lost": "failure",
        "휴가": "failure",
        "leave": "failure",
    }


def test_single_losses_are_skipped_if_the_gate_passes(tmp_path: Path) -> None:
    found = outcomes(to_junit(comparison(tmp_path, decision("PASS"))))
    assert found == {"f1 (primary)": "passed", "lost": "skipped", "휴가": "skipped", "leave": "skipped"}


def test_inconclusive_is_an_error_of_the_primary_metric_and_skips_a_secondary_one(tmp_path: Path) -> None:
    results = (decision("INCONCLUSIVE"), decision("INCONCLUSIVE", "recall"))
    document = to_junit(comparison(tmp_path, *results))
    found = outcomes(document)
    assert (found["f1 (primary)"], found["recall (secondary)"]) == ("error", "skipped")
    error = next(ElementTree.fromstring(document).iter("error"))
    assert error.attrib["message"] == "f1 is below the baseline"


def test_a_secondary_metric_that_prevents_the_decision_is_an_error(tmp_path: Path) -> None:
    incomplete = decision("INCONCLUSIVE", "recall", complete=False)
    document = to_junit(comparison(tmp_path, decision("PASS"), incomplete, verdict="INCONCLUSIVE"))
    assert outcomes(document)["recall (secondary)"] == "error"


def test_characters_that_xml_cannot_hold_are_replaced(tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", CASES[:1], [sample("leave", "31 ]]> <b>", {"f1": 1})])
    after = write_run(tmp_path / "b", CASES[:1], [sample("leave", "30\x00\x1b[31m\ufffe", {"f1": 0})])
    document = to_junit(compare(before, after, gate()))
    assert outcomes(document)["leave"] == "failure"
    assert "30��[31m�" in document


def test_the_number_of_cases_is_bounded(tmp_path: Path) -> None:
    document = to_junit(comparison(tmp_path), max_cases=1)
    assert set(outcomes(document)) == {"f1 (primary)", "lost"}
    assert "1 of 3 cases that became worse, of 4 paired cases" in document
