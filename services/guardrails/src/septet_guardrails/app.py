"""Wiring of the guardrails service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from septet_kit import Kit, ServiceSpec, Stage, Wiring

from septet_guardrails.adapters.language import FastTextLanguage
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.domain.rails import input_rails, output_rails
from septet_guardrails.domain.schema import check_schema
from septet_guardrails.handlers import STAGE, DraftsHandler, RequestsHandler
from septet_guardrails.settings import GuardrailsSettings

SPEC = ServiceSpec(
    name=STAGE,
    consumes=("requests", "drafts"),
    produces=("screened", "revisions", "outcomes"),
    about="Runs input rails on questions before they are processed, and output rails on answers before release.",
)


@asynccontextmanager
async def wire(kit: Kit) -> AsyncIterator[Wiring]:
    """Load policies and models, and build the two stages."""
    settings = GuardrailsSettings()
    policies = PolicyFiles.load(settings.policies_dir)
    names, profanity = PresidioNames(), ProfanityModel()
    language = FastTextLanguage(settings.default_language)
    _load(policies, names, profanity, language)
    output = output_rails(names, profanity)
    requests = RequestsHandler(
        policies, input_rails(injection_model(), injection_curve(), names, profanity), language, output
    )
    drafts = DraftsHandler(policies, output)
    yield Wiring(
        stages=[
            Stage("requests", requests, settings.budget, settings.concurrency),
            Stage("drafts", drafts, settings.budget, settings.concurrency),
        ]
    )


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
    check_schema({"type": "object"})
