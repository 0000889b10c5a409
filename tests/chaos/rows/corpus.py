"""Documents that the questions of the traffic find."""

from __future__ import annotations

import json

from septet_contracts import topic

from ..lab import FULL, Lab

_DOCUMENTS = 40
# Whatever is found goes to the model, which answers: a run is not about what is worth an answer.
NEVER_ABSTAIN = {"retrieval": {"SEPTET_RETRIEVAL_ANSWERABILITY_THRESHOLD": "0"}}


async def ingested(here: Lab) -> None:
    """Publish the documents, and wait until a first few questions have been answered from them."""
    for number in range(_DOCUMENTS):
        body = {
            "action": "upsert",
            "document_id": f"thing-{number}",
            "title": f"Thing number {number}",
            "text": f"Thing number {number} is a small tool. It sorts letters by their colour.",
        }
        key = f"default:thing-{number}".encode()
        await here.producer.send_and_wait(topic("documents").name, json.dumps(body).encode(), key=key)
    await here.drained()
    # What has been asked once needs no embedding again.
    warm = here.traffic(FULL, first=1_000_000)
    await warm.steady(2, 2)
    await here.watch.all_of(warm.sent, 60)
