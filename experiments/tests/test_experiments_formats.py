"""Import and export of other tools' formats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from septet_experiments.cases import Case
from septet_experiments.errors import InvalidSuite
from septet_experiments.formats import alpaca_eval, helm, lm_eval
from septet_experiments.formats.multiple_choice import read_multiple_choice
from septet_experiments.formats.scoring import check_scoring
from septet_experiments.runs import Sample

from tests.support.report_runs import CASES, comparison, sample, two_runs

MMLU = (
    '"What is 2 + 2?\nThink.",3,4,5,6,B\n'
    "대한민국의 수도는?,서울,부산,대구,인천,A\n"
    "대한민국의 수도는?,서울,부산,대구,인천,A\n"
)
QUESTION = {"question": "Which?", "choices": ["x", "y", "z"]}


def written(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")  # fmt: skip
    return path


def test_mmlu_rows_become_cases_with_choices(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    written(tmp_path / "test" / "elementary_mathematics_test.csv", "\ufeff" + MMLU)
    first, second, third = read_multiple_choice(tmp_path)
    assert first.question == "What is 2 + 2?\nThink."
    assert (first.choices, first.answer_index) == (("3", "4", "5", "6"), 1)
    assert first.slices == {"subject": "elementary_mathematics"}
    assert second.choices[second.answer_index or 0] == "서울"
    assert third.id == f"{second.id}-2"


@pytest.mark.parametrize(("answer", "index"), [(2, 2), ("2", 2), ("C", 2), ("c", 2), ("z", 2), ("x", 0)])
def test_the_answer_is_an_index_a_letter_or_a_text(tmp_path: Path, answer: object, index: int) -> None:
    line = json.dumps({**QUESTION, "answer": answer, "id": "q7", "subject": "logic"})
    (case,) = read_multiple_choice(written(tmp_path / "q.jsonl", line + "\n\n"))
    assert (case.id, case.answer_index, case.slices) == ("q7", index, {"subject": "logic"})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "q,x,y,Z\n", "a.csv: row 1: answer: not an option"),
        ("a.csv", "q,x,A\n", "row 1: 3 columns"),
        ("a.jsonl", '{"question": "q"}', "a.jsonl:1: choices: missing"),
        ("a.jsonl", '{"question": "q", "choices": ["x", "y"], "answer": true}', "answer: not an option"),
        ("a.jsonl", "\n{", "a.jsonl:2: not JSON"),
        ("a.jsonl", "", "no question"),
        ("a.json", "[1]", "item 1: not an object"),
    ],
)
def test_a_line_that_is_no_question_is_reported_with_its_place(tmp_path: Path, name: str, content: str, message: str) -> None:  # fmt: skip
    with pytest.raises(InvalidSuite, match=message.replace("[", r"\[")):
        read_multiple_choice(written(tmp_path / name, content))


@pytest.mark.parametrize("scoring", ["loglikelihood", "loglikelihood_rolling", "multiple_choice"])
def test_log_likelihood_is_refused_with_the_reason(tmp_path: Path, scoring: str) -> None:
    with pytest.raises(InvalidSuite, match="log probabilities of given answers, and chat completions do not return") as error:  # fmt: skip
        read_multiple_choice(written(tmp_path / "a.csv", MMLU), scoring=scoring)
    assert "by generation" in error.value.fix


INSTANCES = [
    {"input": {"text": "Capital of Korea?"}, "references": [{"output": {"text": "Seoul"}, "tags": ["correct"]}, {"output": {"text": "서울"}, "tags": ["correct"]}], "split": "test", "id": "id0"},
    {"input": {"text": "Which?"}, "references": [{"output": {"text": "x"}, "tags": []}, {"output": {"text": "y"}, "tags": ["correct"]}], "split": "test", "sub_split": "hard", "id": "id1"},
    {"input": {"text": "Which??"}, "references": [], "split": "test", "id": "id1", "perturbation": {"name": "typos"}},
    {"input": {"text": "find"}, "references": [{"output": {"text": "doc-1"}, "tags": ["relevance=2"]}, {"output": {"text": "doc-2"}, "tags": ["relevance=0"]}], "split": "train", "id": "id2"},
]  # fmt: skip


def test_helm_instances_become_cases(tmp_path: Path) -> None:
    written(tmp_path / "instances.json", INSTANCES)
    free, choice, perturbed, ranked = helm.read_instances(tmp_path)
    assert (free.id, free.references) == ("id0", ("Seoul", "서울"))
    assert (choice.choices, choice.answer_index) == (("x", "y"), 1)
    assert choice.slices == {"split": "test", "sub_split": "hard"}
    assert (perturbed.id, perturbed.slices["perturbation"]) == ("id1-typos", "typos")
    assert ranked.relevant == {"doc-1": 2}
    assert len(helm.read_instances(tmp_path, split="train")) == 1
    with pytest.raises(InvalidSuite, match="no instance of the split valid"):
        helm.read_instances(tmp_path, split="valid")


def test_helm_instances_survive_a_round_trip(tmp_path: Path) -> None:
    cases = helm.read_instances(written(tmp_path / "instances.json", INSTANCES[:2]))
    helm.write_instances(tmp_path / "out", "capitals", cases)
    assert json.loads((tmp_path / "out" / "instances.json").read_text("utf-8")) == INSTANCES[:2]
    assert helm.read_instances(tmp_path / "out") == cases


def test_a_run_becomes_helms_values_by_instance(tmp_path: Path) -> None:
    _, run = two_runs(tmp_path)
    helm.write_run(tmp_path / "helm", run.info(), run.cases(), run.samples())
    assert helm.read_values(tmp_path / "helm") == {
        ("leave", 0): {"f1": 0.6},
        ("휴가", 0): {"f1": 0.2},
        ("hostile", 0): {"f1": 0.5},
        ("lost", 0): {},
    }
    (stat,) = json.loads((tmp_path / "helm" / "per_instance_stats.json").read_text("utf-8"))[0]["stats"]
    assert stat["name"] == {"name": "f1", "split": "test"}
    assert (stat["count"], stat["sum_squared"], stat["stddev"]) == (1, 0.6 * 0.6, 0.0)


OUTPUTS = [
    {"dataset": "helpful_base", "instruction": "Name a colour.", "output": "Blue.", "generator": "text_davinci_003"},
    {"dataset": "helpful_base", "instruction": "색을 하나 말하세요.", "output": "파랑.", "generator": "text_davinci_003"},
]  # fmt: skip


def test_alpaca_eval_outputs_become_cases_and_a_run(tmp_path: Path) -> None:
    outputs = alpaca_eval.read_outputs(written(tmp_path / "model_outputs.json", OUTPUTS))
    cases = alpaca_eval.cases_of(outputs)
    assert [case.question for case in cases] == ["Name a colour.", "색을 하나 말하세요."]
    assert [case.references for case in cases] == [(), ()], "another system's answer is no correct answer"
    samples = alpaca_eval.samples_of(outputs)
    assert [s.response and s.response.answer for s in samples] == ["Blue.", "파랑."]
    assert [s.case_id for s in samples] == [case.id for case in cases]


def test_a_run_becomes_alpaca_eval_outputs(tmp_path: Path) -> None:
    _, run = two_runs(tmp_path)
    outputs = alpaca_eval.outputs_of(run.info(), run.cases(), run.samples(), "septet")
    assert [(o.output, o.generator, o.dataset) for o in outputs[:2]] == [
        ("Employees have 30 days.", "septet", "support"),
        ("휴가는 30일입니다.", "septet", "support"),
    ]
    assert outputs[3].output == "", (
        "AlpacaEval compares an empty output, and does not leave the instruction out"
    )


def test_annotations_name_the_better_answer_and_a_lost_value_has_no_preference(tmp_path: Path) -> None:
    found = alpaca_eval.annotations_of(comparison(tmp_path), "f1")
    by_question = {a.instruction: a.preference for a in found}
    assert by_question == {
        CASES[0].question: 1.0,
        CASES[1].question: 1.0,
        CASES[2].question: 1.5,
        CASES[3].question: None,
    }
    assert {(a.generator_1, a.generator_2, a.annotator) for a in found} == {("base", "cand", "septet: f1/1")}


def test_annotations_become_labelled_pairs_without_those_that_were_not_parsed(tmp_path: Path) -> None:
    pair = {"instruction": "q", "output_1": "a", "output_2": "b", "generator_1": "m1", "generator_2": "m2"}
    values = [1, 1.2, 1.5, 0, 1.9, 2.0, None]
    file = written(tmp_path / "annotations.json", [{**pair, "preference": value} for value in values])
    pairs = list(alpaca_eval.labelled_pairs(alpaca_eval.read_annotations(file)))
    assert [p["label"] for p in pairs] == [1, 1, "tie", "tie", 2, 2]
    assert (pairs[0]["model_1"], pairs[0]["instruction"]) == ("m1", "q")
    assert len({p["id"] for p in pairs}) == 6


def test_a_wrong_annotation_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InvalidSuite, match="item 1: output_1: Field required"):
        alpaca_eval.read_annotations(written(tmp_path / "a.json", [{"instruction": "q"}]))


def test_a_task_of_lm_eval_has_local_data_and_generates(tmp_path: Path) -> None:
    assert lm_eval.write_task(tmp_path, "septet_hr", CASES) == (2, 2)
    task = yaml.safe_load((tmp_path / "septet_hr.yaml").read_text("utf-8"))
    assert (task["output_type"], task["dataset_path"]) == ("generate_until", "json")
    assert task["dataset_kwargs"] == {"data_files": {"test": "septet_hr.jsonl"}}
    lines = (tmp_path / "septet_hr.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[1]) == {"id": "휴가", "question": "휴가는 며칠인가요?", "targets": ["31일"]}
    back = lm_eval.read_task(tmp_path / "septet_hr.yaml")
    assert [(c.id, c.question, c.references) for c in back] == [
        (c.id, c.question, c.references) for c in CASES if c.references
    ]


def test_a_multiple_choice_task_asks_for_the_letter(tmp_path: Path) -> None:
    cases = [Case(id="a", question="Which?", choices=("x", "y"), answer_index=1)]
    assert lm_eval.write_task(tmp_path, "mc", cases) == (1, 0)
    line = json.loads((tmp_path / "mc.jsonl").read_text("utf-8"))
    assert (line["question"], line["targets"]) == ("Which?\nA. x\nB. y", ["B"])


def test_cases_of_both_kinds_or_without_answers_make_no_task(tmp_path: Path) -> None:
    choice = Case(id="a", question="Which?", choices=("x", "y"), answer_index=1)
    with pytest.raises(InvalidSuite, match="some cases have choices"):
        lm_eval.write_task(tmp_path, "t", [choice, CASES[0]])
    with pytest.raises(InvalidSuite, match="no case has a correct answer"):
        lm_eval.write_task(tmp_path, "t", [CASES[2]])


def test_a_task_with_log_likelihood_is_refused(tmp_path: Path) -> None:
    content = "task: sciq\noutput_type: multiple_choice\nprocess_docs: !function utils.process\n"
    with pytest.raises(
        InvalidSuite, match=r"sciq\.yaml: output_type: multiple_choice: it compares the log prob"
    ):
        lm_eval.read_task(written(tmp_path / "sciq.yaml", content))
    check_scoring("generate_until")
    with pytest.raises(InvalidSuite, match="no such scoring"):
        check_scoring("guess")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("task: t\ndataset_path: cais/mmlu\n", "data of 'cais/mmlu' are not local"),
        ("dataset_path: json\n", "no `task`"),
        ("task: [\n", "not YAML"),
        ("task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ndoc_to_text: '{{q}}'\n", "'q' is undefined"),
        ("task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: d.jsonl}}\ndoc_to_text: !function u.f\ndoc_to_target: x\n", "is no template"),
    ],
)  # fmt: skip
def test_a_task_that_cannot_be_read_is_reported(tmp_path: Path, task: str, message: str) -> None:
    written(tmp_path / "d.jsonl", '{"question": "?"}\n')
    with pytest.raises(InvalidSuite, match=message):
        lm_eval.read_task(written(tmp_path / "t.yaml", task))


def test_results_of_the_harness_are_read(tmp_path: Path) -> None:
    results = {
        "results": {"hr": {"alias": "hr", "exact_match,answer": 0.5, "exact_match_stderr,answer": "N/A"}}
    }
    assert lm_eval.read_results(written(tmp_path / "r.json", results)) == {"hr": {"exact_match,answer": 0.5}}
    with pytest.raises(InvalidSuite, match="no results"):
        lm_eval.read_results(written(tmp_path / "r.json", []))


def test_a_sample_without_a_response_exports_an_empty_prediction(tmp_path: Path) -> None:
    _, run = two_runs(tmp_path)
    lost: list[Sample] = [sample("lost", None, {}, error="no_response")]
    helm.write_run(tmp_path / "helm", run.info(), run.cases(), lost)
    (prediction,) = json.loads((tmp_path / "helm" / "display_predictions.json").read_text("utf-8"))
    assert (prediction["predicted_text"], prediction["stats"]) == ("", {})
