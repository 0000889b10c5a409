"""The API over TLS."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from septet_gateway.app import _api_server
from septet_gateway.settings import GatewaySettings
from septet_kit.errors import Permanent
from septet_native.credentials.certificates import Certificates

from .support import KEYS, World
from .test_gateway_write_limit import until


def files(made: Certificates, directory: Path, password: bytes | None = None) -> dict[str, Path]:
    """The settings of a certificate; its key is in its own file, with this password."""
    key = serialization.load_pem_private_key(made.server.read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    path = directory / "key.pem"
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))
    return {"tls_certificate": made.server, "tls_key": path}


@pytest.mark.parametrize("password", ["", "pass word"])
async def test_the_api_answers_over_tls(
    world: World,
    certificates: Certificates,
    tmp_path: Path,
    password: str,
) -> None:
    chosen = files(certificates, tmp_path, password.encode() or None)
    parts = world.parts(port=0, tls_key_password=password, **chosen)
    server = _api_server(parts, timedelta(seconds=1))
    serving = asyncio.ensure_future(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    trusted = ssl.create_default_context(cafile=certificates.authority)
    headers = {"authorization": f"Bearer {KEYS['ask']}"}
    async with httpx.AsyncClient(verify=trusted, headers=headers) as client:
        answer = await client.get(f"https://127.0.0.1:{port}/v1/models")
        assert answer.status_code == 200
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://127.0.0.1:{port}/v1/models")
    server.should_exit = True
    await serving


def test_the_error_names_the_setting_that_is_missing(certificates: Certificates, tmp_path: Path) -> None:
    chosen = files(certificates, tmp_path)
    assert GatewaySettings().tls() == {}
    for given, missing in (("tls_certificate", "KEY"), ("tls_key", "CERTIFICATE")):
        with pytest.raises(Permanent) as error:
            GatewaySettings(**{given: chosen[given]}).tls()
        assert (error.value.code, error.value.field) == ("invalid_tls", f"SEPTET_GATEWAY_TLS_{missing}")


@pytest.mark.parametrize("password", ["", "wrong"])
def test_files_that_cannot_be_loaded_are_an_error(
    certificates: Certificates,
    tmp_path: Path,
    password: str,
) -> None:
    chosen = files(certificates, tmp_path, b"right")
    with pytest.raises(Permanent, match="cannot be used"):
        GatewaySettings(**chosen, tls_key_password=password).tls()
    chosen["tls_key"].unlink()
    with pytest.raises(Permanent, match="cannot be used"):
        GatewaySettings(**chosen, tls_key_password="right").tls()
