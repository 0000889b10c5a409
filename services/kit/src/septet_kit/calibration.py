"""The file of ``septet calibrate``: values that were fitted to the vectors of one embedding model.

Retrieval, eval and the cache read it at start. Each validates its own part.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from septet_kit.embedding_models import TextKind, base_name
from septet_kit.embeddings_client import prefixes_of
from septet_kit.errors import Permanent
from septet_kit.settings import KitSettings

PartName = Literal["answerability", "answer_relevance", "cache"]
Values = TypeVar("Values", bound=BaseModel)

FIELD = "SEPTET_CALIBRATION_FILE"


class Part(BaseModel):
    """The fitted values of one service.

    Attributes:
        values: what the service reads.
        counts: numbers of examples by class.
        held_out: figures on examples that were not fitted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: dict[str, Any]
    counts: dict[str, Any]
    held_out: dict[str, Any]


class Calibration(BaseModel):
    """All fitted values of one embedding model.

    Attributes:
        embeddings_model: the model's name at its endpoint.
        prefixes: the texts that were put before questions and passages.
        data: names, digests and sizes of the data.
        parts: the fitted values; a missing part keeps the shipped behaviour.
        uncalibrated: why a part, or a language of it, is missing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["septet-calibration/1"] = "septet-calibration/1"
    embeddings_model: str
    prefixes: dict[TextKind, str]
    data: dict[str, Any]
    parts: dict[PartName, Part]
    uncalibrated: dict[str, str]


def values_of(settings: KitSettings, part: PartName, kind: type[Values]) -> Values | None:
    """The values of one part of the configured file; None without a file or without the part.

    Raises:
        Permanent: the file cannot be read (code ``calibration_invalid``), or belongs to another embedding model
            (code ``calibration_of_another_model``).
    """
    if settings.calibration_file is None:
        return None
    found = _read(settings.calibration_file)
    _refuse_another_model(found, settings)
    if part not in found.parts:
        return None
    try:
        return kind.model_validate(found.parts[part].values)
    except ValidationError as error:
        raise _invalid(settings.calibration_file, f"its part {part} is malformed: {error}") from error


def _read(file: Path) -> Calibration:
    try:
        return Calibration.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise _invalid(file, str(error)) from error


def _refuse_another_model(found: Calibration, settings: KitSettings) -> None:
    fitted, used = base_name(found.embeddings_model), base_name(settings.embeddings_model)
    fix = (
        f"run `septet calibrate --embeddings-model {settings.embeddings_model}` and use its file, "
        f"or set SEPTET_EMBEDDINGS_MODEL to {found.embeddings_model}, or unset {FIELD}"
    )
    if fitted != used:
        message = f"{settings.calibration_file} was fitted to {fitted}; the embedding model is {used}"
        raise Permanent("calibration_of_another_model", message, field=FIELD, fix=fix)
    if found.prefixes != prefixes_of(settings):
        message = (
            f"{settings.calibration_file} was fitted with the prefixes {found.prefixes}; "
            f"the configured ones are {prefixes_of(settings)}"
        )
        fix = (
            "set SEPTET_EMBEDDINGS_QUESTION_PREFIX and SEPTET_EMBEDDINGS_PASSAGE_PREFIX to the fitted prefixes, "
            f"or run `septet calibrate` again, or unset {FIELD}"
        )
        raise Permanent("calibration_of_another_model", message, field=FIELD, fix=fix)


def _invalid(file: Path, reason: str) -> Permanent:
    return Permanent(
        "calibration_invalid",
        f"{file} is no calibration: {reason}",
        field=FIELD,
        fix=f"write it with `septet calibrate`, or unset {FIELD}",
    )


def fold_of(name: str, folds: int) -> int:
    """The fold of an example, by a hash of its name: the same on every machine and in every order."""
    return int.from_bytes(sha256(name.encode()).digest()[:8]) % folds
