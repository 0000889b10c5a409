"""A comparison as JUnit XML, in the elements that GitHub's and GitLab's test reports read.

One test case for each metric of the gate: PASS is a success, FAIL a ``failure``. INCONCLUSIVE is an ``error`` where the
gate does not pass because of it, and ``skipped`` for a secondary metric with wide bounds. One test case for each case
that became worse: a ``failure`` if the gate fails, else ``skipped``, so that single losses do not fail a gate that passes.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from septet_experiments.reports.comparison import CaseDifference, Comparison, MetricResult
from septet_experiments.reports.figures import cut, figure, signed
from septet_experiments.reports.text import metric_line, to_text

MAX_CASES = 200
"""Cases that became worse and have a test case of their own, worst first."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(comparison: Comparison, *, max_cases: int = MAX_CASES) -> str:
    """The document, with an XML declaration."""
    root = Element("testsuites", {"name": "septet eval"})
    _gate_suite(root, comparison)
    _case_suite(root, comparison, max_cases)
    totals = {name: sum(int(suite.get(name, "0")) for suite in root) for name in _COUNTS}
    for name, count in totals.items():
        root.set(name, str(count))
    root.set("time", "0")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


_COUNTS = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}


def _gate_suite(root: Element, comparison: Comparison) -> None:
    suite = _suite(root, f"{comparison.suite}: gate", comparison)
    properties = SubElement(suite, "properties")
    for name, value in (
        ("verdict", comparison.verdict),
        ("baseline", comparison.baseline.id),
        ("candidate", comparison.candidate.id),
        ("dataset_digest", comparison.candidate.dataset_digest),
        ("suite_digest", comparison.candidate.suite_digest),
    ):
        SubElement(properties, "property", {"name": name, "value": _xml(value)})
    for result in comparison.metrics:
        _metric_case(suite, comparison, result)
    SubElement(suite, "system-out").text = _xml(to_text(comparison))
    _count(suite)


def _metric_case(suite: Element, comparison: Comparison, result: MetricResult) -> None:
    role = "primary" if result.primary else "secondary"
    case = _testcase(suite, f"{comparison.suite}.gate", f"{result.metric} ({role})")
    if result.verdict == "FAIL":
        _outcome(case, "failure", "regression", result.reason, metric_line(result))
    elif result.verdict == "INCONCLUSIVE" and (result.primary or not result.complete):
        _outcome(case, "error", "inconclusive", result.reason, metric_line(result))
    elif result.verdict == "INCONCLUSIVE":
        SubElement(case, "skipped", {"message": _xml(result.reason)})


def _case_suite(root: Element, comparison: Comparison, max_cases: int) -> None:
    suite = _suite(root, f"{comparison.suite}: cases", comparison)
    worse = comparison.worse
    for difference in worse[:max_cases]:
        case = _testcase(suite, f"{comparison.suite}.cases", difference.case_id)
        message = _loss(comparison, difference)
        if comparison.verdict == "FAIL":
            kind = "lost" if difference.lost else "worse"
            _outcome(case, "failure", kind, message, _details(difference))
        else:
            SubElement(
                case, "skipped", {"message": _xml(f"{message}; the gate's verdict is {comparison.verdict}")}
            )
    SubElement(
        suite, "system-out"
    ).text = f"{min(len(worse), max_cases)} of {len(worse)} cases that became worse, of {len(comparison.cases)} paired cases"
    _count(suite)


def _loss(comparison: Comparison, case: CaseDifference) -> str:
    metric = comparison.primary.metric
    before = figure(case.baseline.values.get(metric))
    if case.lost:
        reason = case.candidate.error or case.candidate.failures.get(metric, "no value")
        return f"{metric} {before} → no value: {reason}"
    after = figure(case.candidate.values.get(metric))
    return f"{metric} {before} → {after} ({signed(case.differences.get(metric))})"


def _details(case: CaseDifference) -> str:
    lines = [f"question: {cut(case.question, 500)}"]
    for name, side in (("baseline", case.baseline), ("candidate", case.candidate)):
        answer = cut(side.answer, 1000) if side.answer else side.error or side.status or "no response"
        lines.append(f"{name}: {answer}")
        if side.trace_id:
            lines.append(f"{name} trace: {side.trace_id}")
    return "\n".join(lines)


def _suite(root: Element, name: str, comparison: Comparison) -> Element:
    started = comparison.candidate.started_at.replace(tzinfo=None).isoformat(timespec="seconds")
    return SubElement(root, "testsuite", {"name": _xml(name), "timestamp": started, "time": "0"})


def _testcase(suite: Element, classname: str, name: str) -> Element:
    return SubElement(suite, "testcase", {"classname": _xml(classname), "name": _xml(name), "time": "0"})


def _outcome(case: Element, element: str, kind: str, message: str, details: str) -> None:
    SubElement(case, element, {"type": kind, "message": _xml(message)}).text = _xml(details)


def _count(suite: Element) -> None:
    for attribute, element in _COUNTS.items():
        suite.set(attribute, str(len(list(suite.iter(element)))))


def _xml(text: str) -> str:
    """*text* with the characters replaced that XML cannot contain."""
    return _NOT_XML.sub("�", text)
