"""A proxy between each service and each of its servers, so that one side of one service can have bad weather.

A broker tells its clients where to connect to, so that a proxy in front of it has to be what it advertises: here it
has a listener for each service, advertised as that service's proxy.
"""

from __future__ import annotations

import random
import re
import socket
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, fields
from urllib.parse import urlsplit

from septet_native.processes.ports import LOOPBACK
from septet_native.servers.kafka import Kafka
from septet_native.stack.addresses import Addresses
from septet_native.stack.composition import Composition
from septet_native.stack.settings import StackSettings
from septet_native.stack.stack import Progress, Stack

from .fleet import SERVICES
from .proxy import Proxy, Weather, proxied

_WITH_DATABASE = tuple(s for s in SERVICES if s != "guardrails")


@dataclass(frozen=True)
class Listening(Kafka):
    """A plaintext broker with further listeners: name → (own port, advertised port)."""

    listeners: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def _environment(self) -> Mapping[str, str]:
        found = dict(super()._environment())
        for name, (own, advertised) in self.listeners.items():
            found["SEPTET_BROKER_LISTENERS"] += f",{name}://{LOOPBACK}:{own}"
            found["SEPTET_BROKER_ADVERTISED"] += f",{name}://{LOOPBACK}:{advertised}"
        return found

    def _write_config(self) -> None:
        super()._write_config()
        names = ("CLIENTS", "OUTSIDE", "CONTROLLER", *self.listeners)
        protocols = ",".join(f"{name}:PLAINTEXT" for name in names)
        with self._embedded_properties.open("a", encoding="utf-8") as properties:
            properties.write(f"\nlistener.security.protocol.map={protocols}\n")


class DoorStack(Stack):
    """A stack whose broker has the listeners."""

    def __init__(self, settings: StackSettings, listeners: Mapping[str, tuple[int, int]]) -> None:
        super().__init__(settings)
        self._listeners = listeners

    def _compose(self, progress: Progress) -> Composition:
        made = super()._compose(progress)
        kept = {f.name: getattr(made.kafka, f.name) for f in fields(Kafka)}
        made.kafka = Listening(**kept, listeners=self._listeners)
        return made


@dataclass
class Doors:
    """The proxies, by service and server (``kafka`` or ``postgres``)."""

    proxies: Mapping[tuple[str, str], Proxy]

    def stack(self, settings: StackSettings) -> Stack:
        """The stack behind the doors: an embedded one, whose broker has no users."""
        listeners = {
            service.upper(): (proxy.target_port, proxy.port)
            for (service, server), proxy in self.proxies.items()
            if server == "kafka"
        }
        return DoorStack(settings.model_copy(update={"stack": "embedded"}), listeners)

    def lead_to(self, addresses: Addresses, environment: MutableMapping[str, dict[str, str]]) -> None:
        """Point the services at their doors."""
        port = urlsplit(addresses.postgres_dsn).port
        assert port is not None
        for (service, server), proxy in self.proxies.items():
            variables = environment[service]
            if server == "kafka":
                variables["SEPTET_KAFKA_BOOTSTRAP"] = f"{LOOPBACK}:{proxy.port}"
            else:
                proxy.target_port = port
                dsn = variables["SEPTET_POSTGRES_DSN"]
                variables["SEPTET_POSTGRES_DSN"] = re.sub(rf":{port}\b", f":{proxy.port}", dsn)


@asynccontextmanager
async def open_doors(rng: random.Random) -> AsyncIterator[Doors]:
    """A proxy for each service and server, while inside."""
    sides = [(s, "kafka") for s in SERVICES] + [(s, "postgres") for s in _WITH_DATABASE]
    async with AsyncExitStack() as stack:
        proxies = {}
        for side in sides:
            weather = Weather(rng=random.Random(rng.random()))
            proxies[side] = await stack.enter_async_context(proxied(_unused_port(), weather))
        yield Doors(proxies)


def _unused_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
