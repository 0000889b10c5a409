"""A suite: a directory with ``suite.yaml`` and files of cases, versioned by digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from septet_contracts import EvaluationSample

from septet_experiments.cases import Case, digest_of
from septet_experiments.errors import InvalidSuite
from septet_experiments.requests import request_body

FILE = "suite.yaml"
COMMENT = "#"
"""First character of a line in a cases file that is no case."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Decision(_Settings):
    """A metric that the gate decides on. ``margin`` is the largest loss of its mean that passes."""

    metric: str = Field(min_length=1)
    margin: float = Field(ge=0, allow_inf_nan=False)


class SuiteSettings(_Settings):
    """The content of ``suite.yaml``.

    Attributes:
        name: names the suite's runs and its baseline.
        cases: files of cases, relative to the directory.
        metrics: names of the metrics to compute; those of ``primary`` and ``secondary`` are added.
        primary: the metric that decides the gate.
        secondary: further metrics that must not get worse.
        request: fields of every request. A case's own ``request`` wins.
        draws: independent draws per case.
        max_errors: share of samples without a usable response or value above which the gate is inconclusive.
        rate: requests per second, so that live traffic keeps its latency.
        in_flight: requests in work at a time.
        deadline: seconds until a response is due.
        judge: settings of the judge, for metrics that need one.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]*$", max_length=48)
    cases: tuple[str, ...] = Field(min_length=1)
    metrics: tuple[str, ...] = ()
    primary: Decision | None = None
    secondary: tuple[Decision, ...] = ()
    request: dict[str, Any] = {}
    draws: int = Field(default=1, ge=1, le=100)
    max_errors: float = Field(default=0.02, ge=0, le=1)
    rate: float = Field(default=5.0, gt=0, allow_inf_nan=False)
    in_flight: int = Field(default=4, ge=1, le=256)
    deadline: float = Field(default=60.0, gt=0, le=3600)
    judge: dict[str, Any] | None = None

    @field_validator("name", mode="after")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name in ("baseline", "latest"):
            raise ValueError("this name stands for a run in the commands")
        return name

    @field_validator("secondary", mode="after")
    @classmethod
    def _decides_once(cls, rules: tuple[Decision, ...], info: ValidationInfo) -> tuple[Decision, ...]:
        primary = info.data.get("primary")
        names = [rule.metric for rule in (primary, *rules) if rule is not None]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"{twice} decides twice")
        return rules

    @property
    def all_metrics(self) -> tuple[str, ...]:
        """The metrics to compute, without duplicates: the primary one first."""
        deciding = [rule.metric for rule in (self.primary, *self.secondary) if rule is not None]
        return tuple(dict.fromkeys((*deciding, *self.metrics)))

    @property
    def digest(self) -> str:
        """SHA-256 of the settings: 64 hexadecimal digits. The pace of requests does not belong to it."""
        settings = self.model_dump(mode="json", exclude={"rate", "in_flight"})
        return hashlib.sha256(json.dumps(settings, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Suite:
    """A loaded suite."""

    folder: Path
    settings: SuiteSettings
    cases: tuple[Case, ...]

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def dataset_digest(self) -> str:
        """Digest of the cases."""
        return digest_of(self.cases)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a suite.

        Args:
            path: its directory, or its ``suite.yaml``.

        Raises:
            InvalidSuite: a file is missing or not valid. The message names file, line and field.
        """
        file = path / FILE if path.is_dir() else path
        settings = _read_settings(file)
        cases: dict[str, Case] = {}
        for name in settings.cases:
            for where, case in read_cases(file.parent / name):
                if case.id in cases:
                    raise InvalidSuite(
                        f"{where}: id: {case.id!r} is the id of another case", "give it another id"
                    )
                _check_request(where, case, settings.request, case.request)
                cases[case.id] = case
        if not cases:
            raise InvalidSuite(
                f"{file}: cases: the files hold no case", 'add a line such as {"id": "a", "question": "…"}'
            )
        return cls(file.parent, settings, tuple(cases.values()))


def read_cases(file: Path) -> Iterator[tuple[str, Case]]:
    """Yield the place and the case of each line of a file. Empty lines and lines that begin with ``#`` are skipped.

    Raises:
        InvalidSuite: the file cannot be read, or a line is no case.
    """
    try:
        lines = file.read_bytes().split(b"\n")
    except (OSError, ValueError) as error:
        # A path that holds U+0000 raises ValueError.
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidSuite(
            f"{file}: {reason}", "create the file, or correct `cases` in suite.yaml"
        ) from error
    for number, line in enumerate(lines, start=1):
        text, where = line.removeprefix(b"\xef\xbb\xbf").strip(), f"{file}:{number}"
        if not text or text.startswith(COMMENT.encode()):
            continue
        try:
            yield where, Case.model_validate_json(text)
        except ValidationError as error:
            field, message = _first(error)
            raise InvalidSuite(f"{where}: {field}: {message}", _fix(error, Case)) from error


def _check_request(where: str, case: Case, *layers: Mapping[str, Any]) -> None:
    sample = EvaluationSample(run="check", case=case.id, draw=0)
    try:
        for layer in layers:
            if "tenant" in layer:
                raise InvalidSuite("request.tenant: a run has one tenant", "remove it, and use --tenant")
        request_body(case, sample, *layers)
    except InvalidSuite as error:
        raise InvalidSuite(f"{where}: {error}", error.fix) from error


def _read_settings(file: Path) -> SuiteSettings:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSuite(
            f"{file}: {error.strerror}", "create a suite with `septet eval new NAME`"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidSuite(f"{file}: not UTF-8", "save the file as UTF-8") from error
    node, value = _parsed(file, text)
    try:
        settings = SuiteSettings.model_validate(value)
    except ValidationError as error:
        field, message = _first(error)
        line = _line_of(node, error.errors()[0]["loc"])
        raise InvalidSuite(f"{file}:{line}: {field}: {message}", _fix(error, SuiteSettings)) from error
    for name, setting in value.items():
        try:
            json.dumps(setting, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            where = f"{file}:{_line_of(node, [name])}: {name}"
            raise InvalidSuite(f"{where}: {error}", "quote the value, so that it is a text") from error
    _check_request(
        f"{file}:{_line_of(node, ['request'])}", Case(id="check", question="check"), settings.request
    )
    return settings


def _parsed(file: Path, text: str) -> tuple[Any, dict[str, Any]]:
    """The YAML document and its content."""
    try:
        node: Any = yaml.compose(text, yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not YAML"
        raise InvalidSuite(f"{file}:{line}: {problem}", "correct the YAML") from error
    except (ValueError, RecursionError) as error:
        # Dates that do not exist, and very deep nesting.
        raise InvalidSuite(
            f"{file}:1: not YAML: {error}", "correct the YAML; quote texts such as dates"
        ) from error
    if not isinstance(value, dict):
        raise InvalidSuite(f"{file}:1: not a mapping", "write `name: …`, `cases: […]` and the other settings")
    keys = [key.value for key, _ in node.value]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        raise InvalidSuite(f"{file}:{_line_of(node, [twice])}: {twice}: given twice", "remove one of them")
    return node, value


def _first(error: ValidationError) -> tuple[str, str]:
    """Field and message of the first problem."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, first["loc"])) or "line", first["msg"].removeprefix("Value error, ")


def _fix(error: ValidationError, model: type[BaseModel]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        return f"remove it; the fields are {', '.join(model.model_fields)}"
    if first["type"] == "missing":
        return f"add `{field}`"
    return f"correct `{field}`" if field else "correct the line"


def _line_of(node: Any, path: Sequence[int | str]) -> int:
    """1-based line of the deepest part of a path that a YAML document has."""
    line = int(node.start_mark.line) + 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == part), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
