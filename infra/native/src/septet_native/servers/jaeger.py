"""Jaeger with the trace page of this project."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path

from septet_native.errors import writing
from septet_native.packages.configuration import infra_file
from septet_native.processes.health import http_probe
from septet_native.processes.ports import LOOPBACK
from septet_native.processes.process import Command, clean_environment
from septet_native.servers import jaeger_build
from septet_native.servers.server import Places, Report

PAGE = resources.files("septet_native.traces") / "page"


@dataclass(frozen=True)
class Jaeger:
    """One Jaeger, which keeps the latest traces in memory.

    Attributes:
        places: directories of the stack.
        port: of the query API and the page.
        otlp_port: receives traces by OTLP over HTTP.
        grpc_port: of the query API over gRPC.
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

    async def prepare(self, report: Report) -> None:
        """Compile the program when it is missing, and copy the page in the layout that Jaeger serves.

        Raises:
            ToolMissing, BuildFailed, ChecksumMismatch, DiskFull, NotWritable: as ``jaeger_build.ensure_binary``.
        """
        await jaeger_build.ensure_binary(self.places.cache, report)
        await asyncio.to_thread(self._lay_out_page)

    def command(self) -> Command:
        """The program with the configuration file that compose mounts, too."""
        program = jaeger_build.available(self.places.cache) or jaeger_build.binary_path(self.places.cache)
        return Command(
            name=self.name,
            argv=(str(program), "--config", str(infra_file("jaeger", "config.yaml"))),
            log=self.places.logs / "jaeger.log",
            env={**clean_environment(), **self._environment()},
            grace=timedelta(seconds=5),
        )

    def _environment(self) -> dict[str, str]:
        return {
            "JAEGER_HOST": LOOPBACK,
            "JAEGER_QUERY_PORT": str(self.port),
            "JAEGER_QUERY_GRPC_PORT": str(self.grpc_port),
            "JAEGER_OTLP_PORT": str(self.otlp_port),
            "JAEGER_HEALTH_PORT": str(self.health_port),
            "JAEGER_UI_ASSETS": str(self._page),
            "JAEGER_MAX_TRACES": str(self.max_traces),
        }

    async def probe(self) -> bool:
        """Whether the health check and the query API answer with status 200."""
        return (
            await http_probe(self.health_port, "/status")() and await http_probe(self.port, "/api/services")()
        )

    async def finish(self) -> None:
        """Do nothing: the running server needs no initialisation."""

    def _lay_out_page(self) -> None:
        # Jaeger serves index.html at any path, other files below /static/ only.
        static = self._page / "static"
        with writing(self.places.data):
            static.mkdir(parents=True, exist_ok=True)
            for file in PAGE.iterdir():
                if file.name == "index.html":
                    (self._page / file.name).write_text(file.read_text().replace('"/assets/', '"/static/'))
                else:
                    (static / file.name).write_bytes(file.read_bytes())
