"""The AsyncAPI 3.0 document of the whole system, generated from the topic table and the services' descriptions."""

from __future__ import annotations

import copy
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import yaml

from septet_contracts.schema import topic_schema
from septet_contracts.tenancy import is_ownable
from septet_contracts.topics import (
    HTTP_SERVICES,
    SERVICES,
    TOPICS,
    Topic,
    dead_letter_topic,
    is_newest,
    short_name,
    topic,
)

Document = dict[str, Any]


class Describes(Protocol):
    """Description of a service: its name, and the topics that it reads and writes, by short or full name.

    It reads ``consumes`` in its consumer group, and ``follows`` from the end without one.
    """

    @property
    def name(self) -> str: ...
    @property
    def consumes(self) -> tuple[str, ...]: ...
    @property
    def follows(self) -> tuple[str, ...]: ...
    @property
    def produces(self) -> tuple[str, ...]: ...
    @property
    def about(self) -> str: ...


@dataclass(frozen=True)
class Party:
    """A :class:`Describes` with given values."""

    name: str
    consumes: tuple[str, ...]
    produces: tuple[str, ...]
    about: str = ""
    follows: tuple[str, ...] = ()


CLIENT = Party(
    "client",
    consumes=("responses", "responses.v1", "released-tokens"),
    produces=("requests", "cancellations", "documents", "feedback"),
    about="An application that asks questions, publishes documents or sends feedback.",
)

OPERATOR = Party(
    "operator",
    consumes=("canaries",),
    produces=("canaries",),
    about="The command line: it starts, renews and ends canaries.",
)


def load_parties(names: Sequence[str] = ()) -> list[Describes]:
    """The client, the operator and the services with these dotted names, such as ``septet_cache.app:SPEC``; all by default.

    Services are resolved by name because the contracts import no service.

    Raises:
        ImportError, AttributeError: a name cannot be resolved.
    """
    wanted = names or [f"septet_{service}.app:SPEC" for service in (*SERVICES, *HTTP_SERVICES)]
    return [CLIENT, OPERATOR, *(pkgutil.resolve_name(name) for name in wanted)]


def asyncapi(parties: Iterable[Describes], version: str = "1.0.0") -> Document:
    """Build the document.

    Raises:
        KeyError: a party names an unknown topic.
        ValueError: two different models have the same name.
    """
    schemas: dict[str, Document] = {}
    messages = {_message_name(t): _message(t, schemas) for t in TOPICS.values()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Septet",
            "version": version,
            "description": "Questions in, checked and traceable answers out, over a Kafka log.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": {"host": "localhost:9092", "pathname": "/", "protocol": "kafka"}},
        "channels": {short_name(t): _channel(t) for t in TOPICS.values()},
        "operations": _operations(parties),
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def render(document: Document) -> str:
    """The document as YAML, in a stable order."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def written(party: Describes) -> list[Topic]:
    """The topics that a party writes, including its dead letters."""
    dead = TOPICS.get(dead_letter_topic(party.name))
    return [*map(topic, party.produces), *([dead] if dead else [])]


def read(party: Describes) -> list[Topic]:
    """The topics that a party reads."""
    return [*map(topic, party.consumes), *map(topic, party.follows)]


def own_note(of: Topic) -> str:
    """Sentence about a tenant's own topic; empty if all tenants share the topic."""
    return f"A tenant may have its own topic, `{of.name}.<tenant>`." if is_ownable(of) else ""


def _channel(of: Topic) -> Document:
    config: Mapping[str, Any] = of.config
    return {
        "address": of.name,
        "description": " ".join(filter(None, (of.about, own_note(of)))),
        "messages": {_message_name(of): {"$ref": f"#/components/messages/{_message_name(of)}"}},
        "bindings": {
            "kafka": {
                "topic": of.name,
                "partitions": of.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [config["cleanup.policy"]],
                    "retention.ms": int(config["retention.ms"]),
                    "max.message.bytes": int(config["max.message.bytes"]),
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(of: Topic, schemas: dict[str, Document]) -> Document:
    payload = {"description": "The value of the original record."} if of.raw else _payload(of, schemas)
    message: Document = {"name": _message_name(of), "summary": of.about, "payload": payload}
    key = {"type": "string", "description": of.key}
    return {**message, "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}}}


def _payload(of: Topic, schemas: dict[str, Document]) -> Document:
    # A model of an earlier major version may share its name with a different one of the newest version.
    version = "" if is_newest(of) else f".v{of.major}"
    schema = _adapted(copy.deepcopy(topic_schema(of)), version)
    for name, definition in schema.pop("$defs", {}).items():
        name = f"{name}{version}"
        if schemas.setdefault(name, definition) != definition:
            raise ValueError(f"two different models have the name {name}")
    return {k: v for k, v in schema.items() if k not in ("$schema", "$id")}


def _adapted(node: Any, version: str) -> Any:
    """Point references at the components, and reduce a discriminator to its name, as AsyncAPI requires."""

    if isinstance(node, list):
        return [_adapted(item, version) for item in node]
    if not isinstance(node, dict):
        return node
    adapted = {k: _adapted(v, version) for k, v in node.items() if k not in ("$ref", "discriminator")}
    if "$ref" in node:
        adapted["$ref"] = node["$ref"].replace("#/$defs/", "#/components/schemas/") + version
    if "discriminator" in node:
        adapted["discriminator"] = node["discriminator"]["propertyName"]
    return adapted


def _operations(parties: Iterable[Describes]) -> Document:
    operations: Document = {}
    for party in parties:
        for action, topics in (("receive", read(party)), ("send", written(party))):
            for of in topics:
                channel = short_name(of)
                operations[f"{party.name}.{action}.{channel}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{channel}"},
                    "summary": f"{party.name} {'reads' if action == 'receive' else 'writes'} {of.name}",
                    "tags": [{"name": party.name, "description": party.about}],
                    "messages": [{"$ref": f"#/channels/{channel}/messages/{_message_name(of)}"}],
                }
    return operations


def _message_name(of: Topic) -> str:
    if not of.contract:
        return f"septet.{short_name(of)}"
    return of.contract if is_newest(of) else f"{of.contract}.v{of.major}"
