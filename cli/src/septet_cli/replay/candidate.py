"""The change that a replay tries, and the first stage that it affects."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from septet_contracts import Ask

from septet_cli.errors import CliError

T = TypeVar("T", bound=Ask)

INPUTS: Mapping[str, str] = {
    "guardrails": "requests",
    "cache": "screened",
    "retrieval": "missed",
    "generation": "grounded",
}
"""The topic of each stage's input, in the order of a request."""
STAGES: Mapping[str, str] = {
    "prompt": "generation",
    "model": "generation",
    "index": "retrieval",
    "cache": "cache",
    "policy": "guardrails",
}
"""The first stage that each kind of change affects."""
ALIAS = "candidate"
"""Alias of a model that is given with its endpoint."""
SCHEMA = "schema:"
_ENDPOINT = re.compile(r"(?P<model>.+)@(?P<url>https?://.+)")


@dataclass(frozen=True)
class Change:
    """One difference between the candidate and the live system: ``--with KIND=VALUE``."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}={self.value}"

    def environment(self, service: str, live: Mapping[str, str]) -> dict[str, str]:
        """Variables that differ from those of the live service."""
        if STAGES[self.kind] != service:
            return {}
        match self.kind:
            case "prompt":
                return {"SEPTET_GENERATION_PROMPTS_DIR": self.value}
            case "policy" if _is_folder(self.value):
                return {"SEPTET_GUARDRAILS_POLICIES_DIR": self.value}
            case "index" if self.value.startswith(SCHEMA):
                return {"SEPTET_RETRIEVAL_PASSAGES_SCHEMA": self.value.removeprefix(SCHEMA)}
            case "index":
                return {"SEPTET_OPENSEARCH_INDEX": self.value}
            case "model" if endpoint := _ENDPOINT.fullmatch(self.value):
                models = json.loads(live.get("SEPTET_GENERATION_MODELS") or "{}")
                return {"SEPTET_GENERATION_MODELS": json.dumps({**models, ALIAS: endpoint.groupdict()})}
        return {}

    def fields(self) -> dict[str, Any]:
        """Fields of requests that differ."""
        if self.kind == "model":
            return {"model": ALIAS if _ENDPOINT.fullmatch(self.value) else self.value}
        if self.kind == "policy" and not _is_folder(self.value):
            return {"policy": self.value}
        return {}


@dataclass(frozen=True)
class Candidate:
    """All changes of a replay. Without one, the candidate is identical from generation on."""

    changes: tuple[Change, ...] = ()

    @property
    def first(self) -> str:
        """The first stage that the changes affect."""
        affected = {STAGES[change.kind] for change in self.changes} or {"generation"}
        return next(stage for stage in INPUTS if stage in affected)

    @property
    def topic(self) -> str:
        """Short name of the topic whose logged events are replayed."""
        return INPUTS[self.first]

    @property
    def services(self) -> tuple[str, ...]:
        """The instance group: the first affected stage and those after it, which include the output rails."""
        stages = list(INPUTS)
        return tuple(dict.fromkeys((*stages[stages.index(self.first) :], "guardrails", "eval")))

    @property
    def further_metrics(self) -> tuple[str, ...]:
        """Metrics that must not get worse, unless others are named.

        Another index may answer from the wrong document, which is then grounded in it.
        """
        is_index = any(change.kind == "index" for change in self.changes)
        return ("abstention", "recall") if is_index else ("abstention",)

    def environment(self, service: str, live: Mapping[str, str]) -> dict[str, str]:
        """Variables of a service that differ from those of the live one."""
        return {name: v for change in self.changes for name, v in change.environment(service, live).items()}

    def rewrite(self, ask: T) -> T:
        """The question with the options of the candidate. No client reads its tokens, so it is not streamed."""
        given = {name: value for change in self.changes for name, value in change.fields().items()}
        return ask.model_copy(update={"stream": False, **given})

    def __str__(self) -> str:
        return ", ".join(map(str, self.changes)) or "no change"


def parse_candidate(values: Sequence[str]) -> Candidate:
    """Read the values of ``--with``.

    Raises:
        CliError: a value is not ``KIND=VALUE``, names an unknown kind, or a folder that does not exist.
    """
    changes = [_parse(value) for value in values]
    kinds = [change.kind for change in changes]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise CliError(f"--with {twice}= was given twice.", "try one value at a time")
    return Candidate(tuple(changes))


def _parse(text: str) -> Change:
    kind, separator, value = text.partition("=")
    if not separator or not value or kind not in STAGES:
        raise CliError(
            f"--with {text}: this is no change that a replay can try.",
            "give model=ALIAS, model=NAME@URL, prompt=DIR, policy=NAME, policy=DIR, index=NAME or cache=off",
        )
    if kind == "cache" and value != "off":
        raise CliError(f"--with {text}: a replay never reads the live cache.", "give cache=off")
    if kind == "prompt":
        return Change(kind, str(_prompts(Path(value))))
    return Change(kind, str(Path(value).resolve()) if kind == "policy" and _is_folder(value) else value)


def _prompts(folder: Path) -> Path:
    """A folder with the templates that generation needs, absolute."""
    from septet_generation.adapters.templates import Templates
    from septet_kit.errors import Permanent

    try:
        Templates.load(folder.resolve())
    except (Permanent, OSError) as error:
        raise CliError(
            f"--with prompt={folder}: {error}",
            "give a folder with answer@N.en.j2 and revise@N.en.j2, such as a copy of the packaged one",
        ) from error
    return folder.resolve()


def _is_folder(value: str) -> bool:
    return Path(value).is_dir()
