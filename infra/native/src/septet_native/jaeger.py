"""Jaeger, with the small trace page of this project."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path

from septet_native import jaeger_build
from septet_native.errors import writing
from septet_native.health import http_probe
from septet_native.ports import LOOPBACK
from septet_native.process import Command
from septet_native.server import Places, Say, clean_environment
from septet_native.shared import infra_file

PAGE = resources.files("septet_native.traces") / "page"


@dataclass(frozen=True)
class Jaeger:
    """One Jaeger that keeps the newest traces in memory.

    Attributes:
        places: directories of the stack.
        port: of the query API and the page.
        otlp_port: takes traces by OTLP over HTTP.
        grpc_port: of the query API by gRPC.
        health_port: of its health check.
        max_traces: traces kept.
    """

    places: Places
    port: int
    otlp_port: int
    grpc_port: int
    health_port: int
    max_traces: int = 5000
    name: str = "jaeger"

    @property
    def _page(self) -> Path:
        return self.places.data / "jaeger-page"

    async def prepare(self, say: Say) -> None:
        """Compile the program where it is missing, and lay the page out as Jaeger serves it.

        Raises:
            ToolMissing, BuildFailed, ChecksumMismatch, DiskFull, NotWritable: of the build.
        """
        await jaeger_build.ensure_binary(self.places.cache, say)
        await asyncio.to_thread(self._lay_out_page)

    def command(self) -> Command:
        """The program on the configuration that compose mounts too."""
        program = jaeger_build.available(self.places.cache) or jaeger_build.binary_path(self.places.cache)
        ports = {
            "JAEGER_QUERY_PORT": self.port, "JAEGER_QUERY_GRPC_PORT": self.grpc_port,
            "JAEGER_OTLP_PORT": self.otlp_port, "JAEGER_HEALTH_PORT": self.health_port,
        }  # fmt: skip
        return Command(
            name=self.name,
            argv=(str(program), "--config", str(infra_file("jaeger", "config.yaml"))),
            log=self.places.logs / "jaeger.log",
            env={
                **clean_environment(), **{name: str(port) for name, port in ports.items()},
                "JAEGER_HOST": LOOPBACK, "JAEGER_UI_ASSETS": str(self._page),
                "JAEGER_MAX_TRACES": str(self.max_traces),
            },
            grace=timedelta(seconds=5),
        )  # fmt: skip

    async def probe(self) -> bool:
        """Whether its health check says so, and its query API answers."""
        return (
            await http_probe(self.health_port, "/status")() and await http_probe(self.port, "/api/services")()
        )

    async def finish(self) -> None:
        """Nothing is left to do on the running server."""

    def _lay_out_page(self) -> None:
        # Jaeger serves index.html at any path, and files below /static/ only.
        static = self._page / "static"
        with writing(self.places.data):
            static.mkdir(parents=True, exist_ok=True)
            for file in PAGE.iterdir():
                if file.name == "index.html":
                    (self._page / file.name).write_text(file.read_text().replace('"/assets/', '"/static/'))
                else:
                    (static / file.name).write_bytes(file.read_bytes())
