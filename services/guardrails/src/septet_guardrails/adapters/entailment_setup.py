"""The entailment model of the settings, and its calibration file."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from septet_kit.errors import Permanent
from septet_kit.settings import KitSettings

from septet_guardrails.adapters.entailment_http import ModelAddress
from septet_guardrails.domain.entailment import UNCALIBRATED, Calibration
from septet_guardrails.settings import GuardrailsSettings

PREFIX = "SEPTET_GUARDRAILS_ENTAILMENT_"
_EMBEDDED = "septet-small"
_REFUSED = re.compile(r"septet-small|smollm2?[-_ ]?135m", re.IGNORECASE)


def model_address(settings: GuardrailsSettings, shared: KitSettings) -> ModelAddress | None:
    """Return the entailment model of the settings, if they name one.

    Raises:
        Permanent: the settings name no model, or the embedded model (codes ``entailment_model_missing`` and
            ``entailment_model_refused``).
    """
    url, model = (settings.entailment_url or "").rstrip("/"), settings.entailment_model
    if not url:
        return None
    if not model:
        field = f"{PREFIX}MODEL"
        raise Permanent("entailment_model_missing", f"{field} is not set", field=field, fix="name the model")
    serves_embedded = url == shared.llm_url.rstrip("/") and shared.llm_model == _EMBEDDED
    if serves_embedded or _REFUSED.search(model):
        message = "SmolLM2-135M, the embedded model, may not judge groundedness: its verdicts are no better than chance"
        fix = f"set {PREFIX}URL to another model, or the policy's `groundedness.method` to `rules`"
        raise Permanent("entailment_model_refused", message, field=f"{PREFIX}MODEL", fix=fix)
    return ModelAddress(
        settings.entailment_kind,
        url,
        model,
        settings.entailment_api_key,
        settings.entailment_label,
        settings.entailment_extra_body,
    )


def read_calibration(path: Path | None, address: ModelAddress) -> Calibration:
    """Read a calibration file; without one, the model decides nothing.

    Raises:
        Permanent: the file is not readable, or it is that of another model, prompt or setting (code
            ``entailment_calibration_invalid``).
    """
    if path is None:
        return UNCALIBRATED
    try:
        text = path.read_text(encoding="utf-8")
        body = json.loads(text)
        digest, thresholds = str(body["digest"]), {k: float(v) for k, v in body["thresholds"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _invalid(path, f"not a calibration file: {error}") from error
    if digest != address.digest:
        raise _invalid(
            path, f"it belongs to {body.get('model')!r} with digest {digest}, not {address.digest}"
        )
    if not thresholds or not all(0 < threshold < 1 for threshold in thresholds.values()):
        raise _invalid(path, "it has no thresholds between 0 and 1")
    return Calibration(thresholds, hashlib.sha256(text.encode()).hexdigest()[:12])


def _invalid(path: Path, reason: str) -> Permanent:
    fix = "make it with `python -m benchmarks.guardrails.entailment` for this model and these settings"
    return Permanent(
        "entailment_calibration_invalid", f"{path}: {reason}", field=f"{PREFIX}CALIBRATION", fix=fix
    )
