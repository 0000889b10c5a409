"""Suites: every error names the file, the line, the field and the fix, and digests follow the content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from septet_contracts import EvaluationSample, Request, decode, topic
from septet_experiments.cases import Case
from septet_experiments.errors import InvalidRun, InvalidSuite
from septet_experiments.requests import request_body, request_id_of
from septet_experiments.runs import RunFolder, Sample
from septet_experiments.suites import Suite, SuiteSettings

SUITE = "name: support\ncases: [cases.jsonl]\nprimary: {metric: token_f1, margin: 0.05}\nsecondary:\n  - {metric: latency, margin: 100}\n"
CASES = (
    '# cases\n{"id": "a", "question": "What is a deque?"}\n\n{"id": "ko", "question": "덱은 무엇인가요?"}\n'
)


def write(folder: Path, suite: str = SUITE, cases: str | bytes = CASES) -> Path:
    (folder / "suite.yaml").write_text(suite, encoding="utf-8")
    (folder / "cases.jsonl").write_bytes(cases if isinstance(cases, bytes) else cases.encode())
    return folder


def test_a_suite_is_its_settings_and_its_cases(tmp_path: Path) -> None:
    suite = Suite.load(write(tmp_path))
    assert [case.id for case in suite.cases] == ["a", "ko"]
    assert suite.settings.all_metrics == ("token_f1", "latency")
    assert Suite.load(tmp_path / "suite.yaml") == suite


@pytest.mark.parametrize(
    ("suite", "cases", "message", "fix"),
    [
        ("name: support\ncases: []\n", CASES, "suite.yaml:2: cases: Tuple should have at least 1", "correct `cases`"),
        ("name: Support\ncases: [a]\n", CASES, "suite.yaml:1: name: String should match", "correct `name`"),
        ("name: baseline\ncases: [a]\n", CASES, "suite.yaml:1: name: this name stands for a run", "correct `name`"),
        ("cases: [a]\n", CASES, "suite.yaml:1: name: Field required", "add `name`"),
        (SUITE + "colour: red\n", CASES, "suite.yaml:6: colour: Extra inputs", "the fields are name, cases"),
        (SUITE.replace("margin: 100", "margin: -1"), CASES, "suite.yaml:5: secondary.0.margin: Input", "secondary.0.margin"),
        ("name: [\n", CASES, "suite.yaml:2:", "correct the YAML"),
        ("- a\n", CASES, "suite.yaml:1: not a mapping", "name: "),
        (SUITE, "# nothing\n", "cases: the files hold no case", '"question"'),
        (SUITE, '{"id": "a", "question": "?"}\n{"id": "b"\n', "cases.jsonl:2: line: Invalid JSON", "correct the line"),
        (SUITE, '{"id": "a", "question": "?", "colour": 1}\n', "cases.jsonl:1: colour: Extra", "the fields are id"),
        (SUITE, '{"question": "?"}\n', "cases.jsonl:1: id: Field required", "add `id`"),
        (SUITE, '{"id": "a"}\n', "cases.jsonl:1: line: give `question` or `messages`", "correct the line"),
        (SUITE, '{"id": "a", "question": "1"}\n{"id": "a", "question": "2"}\n', "cases.jsonl:2: id: 'a' is the id", "another"),
        (SUITE.replace("0.05", ".inf"), CASES, "suite.yaml:3: primary.margin: Input should be a finite", "primary.margin"),
        (SUITE + "rate: .inf\n", CASES, "suite.yaml:6: rate: Input should be a finite", "correct `rate`"),
        (SUITE + "name: other\n", CASES, "suite.yaml:1: name: given twice", "remove one"),
        (SUITE.replace("latency", "token_f1"), CASES, "suite.yaml:4: secondary: token_f1 decides twice", "`secondary`"),
        (SUITE + "judge: {model: 2026-13-45}\n", CASES, "suite.yaml:1: not YAML: month must be", "quote texts"),
        (SUITE + "request: {policy: 2026-01-01}\n", CASES, "suite.yaml:6: request: Object of type date", "quote the value"),
        (SUITE + "request: " + "[" * 2000 + "\n", CASES, "suite.yaml:1: not YAML: maximum recursion", "correct the YAML"),
        (SUITE + "request: {retrieval: {k: .nan}}\n", CASES, "suite.yaml:6: request: ", "quote the value"),
        (SUITE + "request: {retrieval: {k: x}}\n", CASES, "suite.yaml:6: retrieval.k: Input", "correct `retrieval.k`"),
        (SUITE + "request: {tenant: acme}\n", CASES, "suite.yaml:6: request.tenant: a run has one tenant", "--tenant"),
        (SUITE, '{"id": "a", "question": "?", "request": {"tenant": "acme"}}\n', "cases.jsonl:1: request.tenant: a run", "--tenant"),
        (SUITE.replace("[cases.jsonl]", '["a\\0b"]'), CASES, "embedded null byte", "correct `cases`"),
        (
            SUITE,
            json.dumps({"id": "a", "question": "?", "choices": [str(n) for n in range(27)]}),
            "cases.jsonl:1: choices: Tuple should have at most 26",
            "correct `choices`",
        ),
        (SUITE, b'{"id": "a", "question": "\xff"}\n', "cases.jsonl:1: line: Invalid JSON", "correct the line"),
        (
            SUITE,
            '{"id": "a", "question": "?", "request": {"cache": {"use": "default"}}}\n',
            "cases.jsonl:1: request.cache: a suite cannot set this field",
            "the fields are retrieval, policy",
        ),
        (
            SUITE,
            '{"id": "a", "question": "?", "request": {"retrieval": {"depth": 3}}}\n',
            "cases.jsonl:1: request.retrieval.depth: no such field",
            "the fields are mode, k, fusion",
        ),
        (
            SUITE,
            '{"id": "a", "question": "?", "request": {"retrieval": {"k": 99}}}\n',
            "cases.jsonl:1: retrieval.k: Input should be less than",
            "correct `retrieval.k`",
        ),
    ],
)  # fmt: skip
def test_an_error_names_its_place_and_the_fix(
    tmp_path: Path, suite: str, cases: str | bytes, message: str, fix: str
) -> None:
    with pytest.raises(InvalidSuite) as caught:
        Suite.load(write(tmp_path, suite, cases))
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert fix in caught.value.fix


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSuite, match=r"suite\.yaml: No such file") as caught:
        Suite.load(tmp_path)
    assert "septet eval new" in caught.value.fix
    (tmp_path / "suite.yaml").write_text(SUITE)
    with pytest.raises(InvalidSuite, match=r"cases\.jsonl: No such file"):
        Suite.load(tmp_path)


def test_digests_follow_what_decides_the_result(tmp_path: Path) -> None:
    first = Suite.load(write(tmp_path))
    reordered = "\n".join(reversed(CASES.strip().split("\n"))) + "\n"
    second = Suite.load(write(tmp_path, SUITE + "rate: 50\nin_flight: 9\n", reordered))
    assert (second.settings.digest, second.dataset_digest) == (first.settings.digest, first.dataset_digest)
    third = Suite.load(write(tmp_path, SUITE + "draws: 2\n", CASES.replace("deque", "queue")))
    assert third.settings.digest != first.settings.digest
    assert third.dataset_digest != first.dataset_digest


def asked(case: Case, *layers: dict[str, Any]) -> Request:
    body = request_body(case, EvaluationSample(run="r-1", case=case.id, draw=1), *layers)
    request: Request = decode(topic("requests"), json.dumps(body).encode())
    return request


def test_a_request_is_marked_and_later_layers_win() -> None:
    case = Case(id="a", question="?", request={"retrieval": {"k": 7}, "output_schema": {"type": "object"}})
    request = asked(
        case,
        {"policy": "strict", "retrieval": {"k": 3, "mode": "dense"}},
        case.request,
        {"policy": "observe", "output_schema": {"type": "array"}},
    )
    assert request.evaluation == EvaluationSample(run="r-1", case="a", draw=1)
    assert request.cache.use == "bypass"
    assert (request.policy, request.retrieval.k, request.retrieval.mode) == ("observe", 7, "dense")
    assert request.output_schema == {"type": "array"}
    assert request.request_id == request_id_of("r-1", "a", 1)
    assert (
        len(
            {
                request_id_of(*of)
                for of in (("r-1", "a", 0), ("r-1", "a", 1), ("r-2", "a", 0), ("r-1", "b", 0))
            }
        )
        == 4
    )


@pytest.mark.parametrize(
    ("question", "last"),
    [
        ("Which is a queue?", "Answer with the letter of the correct option only."),
        ("다음 중 큐는?", "정답의 글자만 쓰세요."),
    ],
)
def test_a_multiple_choice_question_ends_with_its_options(question: str, last: str) -> None:
    case = Case(id="m", question=question, choices=("list", "deque"), answer_index=1)
    assert asked(case).question == f"{question}\nA. list\nB. deque\n{last}"


def test_a_conversation_keeps_its_messages() -> None:
    messages = (
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    )
    request = asked(Case.model_validate({"id": "t", "messages": messages}))
    assert (request.query, [m.content for m in request.history]) == ("c", ["a", "b"])


def test_a_damaged_sample_in_the_middle_is_named(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_text('{"case_id": "a"}\n{"draw": 1}\n{"case_id": "b"}\n')
    with pytest.raises(InvalidRun, match=r"samples\.jsonl:2"):
        RunFolder(tmp_path).samples()


def test_the_settings_of_a_run_are_kept(tmp_path: Path) -> None:
    settings = SuiteSettings(name="s", cases=("c.jsonl",), request={"retrieval": {"k": 3}})
    RunFolder(tmp_path).write_settings(settings)
    assert RunFolder(tmp_path).settings() == settings
    with pytest.raises(InvalidRun):
        RunFolder(tmp_path / "none").settings()


def test_samples_that_arrive_while_values_are_computed_are_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append(Sample(case_id="a"))
    read = folder.samples()
    folder.append(Sample(case_id="b"))
    folder.update_samples([sample.model_copy(update={"values": {"m": 1.0}}) for sample in read])
    assert {s.case_id: s.values for s in folder.samples()} == {"a": {"m": 1.0}, "b": {}}


def test_one_process_at_a_time_runs_a_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_cases([])
    with folder.claim(), pytest.raises(InvalidRun, match="another process runs"), RunFolder(tmp_path).claim():
        pass
    with folder.claim():
        pass
