"""lm-evaluation-harness with an exported task against a gateway. It is installed by hand: it needs 760 MB of packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from septet_experiments.cases import Case
from septet_experiments.formats.lm_eval import read_results, write_task

from .conftest import Gateway
from .test_clients import run

pytestmark = [pytest.mark.servers, pytest.mark.slow]

PROGRAM = os.environ.get("SEPTET_TEST_LM_EVAL") or shutil.which("lm_eval")
CASES = (
    Case(id="days", question="How many days of leave does an employee of Harbour have a year?", references=("31 days", "Leave: An employee of Harbour has 31 days of leave a year")),
    Case(id="wrong", question="Who approves leave at Harbour?", references=("Nobody approves it.",)),
)  # fmt: skip


@pytest.mark.skipif(
    PROGRAM is None, reason="lm-eval: install `lm-eval[api]`; SEPTET_TEST_LM_EVAL=path of lm_eval"
)
async def test_an_exported_task_runs_through_the_gateway(gateway: Gateway, tmp_path: Path) -> None:
    write_task(tmp_path, "leave", CASES)
    options = f"model=septet,base_url={gateway.url}/chat/completions,num_concurrent=2,max_retries=1"
    await run(
        *(
            "env",
            f"HF_HOME={tmp_path}",
            "HF_HUB_OFFLINE=1",
            str(PROGRAM),
            "--model",
            "local-chat-completions",
            "--model_args",
            options,
            "--apply_chat_template",
        ),
        *("--include_path", ".", "--tasks", "leave", "--output_path", "results", "--log_samples"),
        cwd=tmp_path,
        gateway=gateway,
    )
    assert results_in(tmp_path / "results")["leave"]["exact_match,answer"] == 0.5


def results_in(folder: Path) -> dict[str, dict[str, float]]:
    """The results of the only run below a folder."""
    (file,) = folder.glob("**/results_*.json")
    return read_results(file)
