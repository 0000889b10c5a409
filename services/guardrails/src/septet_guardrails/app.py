"""Wiring of the guardrails service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from septet_kit import Kit, Permanent, ServiceSpec, Stage, Wiring
from septet_kit.sealing import MAKE_KEY, Sealer
from septet_kit.settings import KitSettings

from septet_guardrails.adapters.canaries import CanaryFollower
from septet_guardrails.adapters.entailment_http import EntailmentEndpoint
from septet_guardrails.adapters.entailment_setup import PREFIX, model_address, read_calibration
from septet_guardrails.adapters.language import FastTextLanguage
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.application.judging import Judge, Limits
from septet_guardrails.application.restoring import Restorer
from septet_guardrails.application.streaming import SentenceStream
from septet_guardrails.domain.entailment import UNCALIBRATED, Calibration
from septet_guardrails.domain.pii import open_end
from septet_guardrails.domain.rails import input_rails, output_rails
from septet_guardrails.domain.schema import check_schema
from septet_guardrails.handlers import STAGE, DraftsHandler, RequestsHandler, TokensHandler
from septet_guardrails.settings import GuardrailsSettings

SPEC = ServiceSpec(
    name=STAGE,
    consumes=("requests", "drafts", "tokens"),
    produces=("screened", "revisions", "outcomes", "released-tokens"),
    follows=("canaries",),
    about="Runs input rails on questions before they are processed, and output rails on answers before release.",
)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Load policies and models, and build the two stages."""
    settings = GuardrailsSettings()
    address = model_address(settings, kit.settings)
    calibration = (
        UNCALIBRATED if address is None else read_calibration(settings.entailment_calibration, address)
    )
    version = "" if address is None else f"{address.digest}/{calibration.version}"
    policies = PolicyFiles.load(settings.policies_dir, version)
    model = None if address is None else EntailmentEndpoint(address)
    judge = _judge(policies, settings, model, calibration)
    restorer = _restorer(policies, settings, kit.settings)
    names, profanity = PresidioNames(), ProfanityModel()
    language = FastTextLanguage(settings.default_language)
    _load(policies, names, profanity, language)
    output = output_rails(names, profanity)
    questions = input_rails(injection_model(), injection_curve(), names, profanity)
    canaries = CanaryFollower(kit.settings.kafka(), kit.tenants.namespace)
    requests = RequestsHandler(
        policies, questions, language, output, restorer, judge, lambda: canaries.current
    )
    drafts = DraftsHandler(policies, output, restorer, judge)
    tokens = TokensHandler(policies, SentenceStream(output))
    try:
        yield Wiring(
            stages=[
                Stage("requests", requests, settings.budget, settings.concurrency),
                Stage("drafts", drafts, settings.budget, settings.concurrency),
                Stage("tokens", tokens, settings.budget, settings.stream_concurrency, on_malformed="ignore"),
            ],
            background=[canaries.run],
        )
    finally:
        if model is not None:
            await model.aclose()


def _judge(
    policies: PolicyFiles,
    settings: GuardrailsSettings,
    model: EntailmentEndpoint | None,
    calibration: Calibration,
) -> Judge | None:
    """Return the judge of claims; None if the settings name no entailment model.

    Raises:
        Permanent: a policy needs the model (code ``entailment_model_missing``).
    """
    if model is None:
        if any(policy.judges_by_model for policy in policies.all()):
            message = f"a policy has `groundedness.method: model` or `both`, and {PREFIX}URL is not set"
            fix = f"set {PREFIX}URL and {PREFIX}MODEL, or the method to `rules`"
            raise Permanent("entailment_model_missing", message, field=f"{PREFIX}URL", fix=fix)
        return None
    limits = Limits(
        settings.entailment_timeout.total_seconds(),
        settings.entailment_concurrency,
        settings.entailment_cache,
        settings.entailment_passages,
    )
    return Judge(model, calibration, limits)


def _restorer(policies: PolicyFiles, settings: GuardrailsSettings, shared: KitSettings) -> Restorer:
    """Return the restorer. Its keys are optional if no policy restores personal data.

    Raises:
        Permanent: a policy restores personal data and a key is missing (code ``restore_key_missing``).
    """
    keys = {
        "SEPTET_GUARDRAILS_RESTORE_KEYS": settings.restore_keys,
        "SEPTET_ANSWER_KEYS": shared.answer_keys,
    }
    sealers = {name: Sealer.of(value, name) for name, value in keys.items()}
    values, answers = sealers.values()
    missing = next((name for name, sealer in sealers.items() if sealer is None), None)
    rules = [policy.input.pii for policy in policies.all()]
    if missing is not None and any(rule.enabled and rule.restore for rule in rules):
        message = f"a policy has `restore: true` in its rule `pii`, and {missing} has no key"
        raise Permanent("restore_key_missing", message, field=missing, fix=MAKE_KEY)
    return Restorer(values, answers)


def _load(
    policies: PolicyFiles, names: PresidioNames, profanity: ProfanityModel, language: FastTextLanguage
) -> None:
    """Load every model that a policy uses before the consumer joins its group."""
    rules = [stage for policy in policies.all() for stage in (policy.input, policy.output)]
    if any(rule.pii.enabled and rule.pii.names for rule in rules):
        names.load()
    if any(rule.toxicity.enabled and rule.toxicity.classifier for rule in rules):
        profanity.load()
    language("Is the model loaded before the first question arrives?")
    open_end("패턴을 미리 준비한다.")
    check_schema({"type": "object"})
