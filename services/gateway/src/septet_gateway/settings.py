"""Settings of the gateway. Each field is an environment variable: ``SEPTET_GATEWAY_`` + its name."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict
from septet_kit.errors import Permanent
from septet_kit.settings import FileSettings

from septet_gateway.domain.quotas import Limits

SHORTEST_SECRET = 32


class TlsOptions(TypedDict, total=False):
    """uvicorn's options of a certificate."""

    ssl_certfile: Path
    ssl_keyfile: Path
    ssl_keyfile_password: str | None


class GatewaySettings(FileSettings):
    """Address, limits, models and the secret of the API keys' hashes."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_GATEWAY_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address on which the API listens.")
    port: int = Field(default=8100, ge=0, le=65_535, description="Port of the API.")
    tls_certificate: Path | None = Field(
        default=None,
        description="PEM file of the API's certificate, with its intermediates. With it, the API takes only HTTPS.",
    )
    tls_key: Path | None = Field(default=None, description="PEM file of the certificate's private key.")
    tls_key_password: SecretStr = Field(
        default=SecretStr(""), description="Password of this file, if it is encrypted."
    )
    key_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Secret of the API keys' hashes, at least 32 characters. Required; a new one invalidates all keys.",
    )
    key_cache: timedelta = Field(
        default=timedelta(milliseconds=500),
        description="How long a key that was looked up is valid without another look-up. Bounds a revocation's delay.",
    )
    models: dict[str, str] = Field(
        default={"septet": "default"},
        description="Model names that clients may use, each with its alias in generation.",
    )
    embeddings_models: tuple[str, ...] = Field(
        default=(), description="Further names for the model of `SEPTET_EMBEDDINGS_MODEL`."
    )
    cors_origins: tuple[str, ...] = Field(
        default=(), description="Origins whose pages may call the API; `*` for all."
    )
    max_body: int = Field(
        default=1024 * 1024, ge=1024, le=1024 * 1024, description="Bytes of the largest request body."
    )
    max_connections: int = Field(
        default=4096,
        ge=1,
        description="Connections to the API; on further ones, calls get status 503. Give more than twice MAX_WAITING.",
    )
    max_waiting: int = Field(
        default=1000, ge=1, description="Requests that wait for their response; further ones get status 429."
    )
    max_waiting_per_tenant: int = Field(
        default=500,
        ge=1,
        description="Requests of one tenant that wait for their response; further ones get status 429.",
    )
    key_requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Calls that each API key may make in a minute; no limit by default.",
    )
    key_tokens_per_minute: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000_000,
        description="Tokens of prompts and answers that each API key may use in a minute; no limit by default.",
    )
    key_concurrent_requests: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Calls of each API key that may be in progress, streams included; no limit by default.",
    )
    key_concurrent_streams: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Streams of each API key that may be in progress; no limit by default. A key may have its own limit.",
    )
    key_lease: timedelta = Field(
        default=timedelta(seconds=15),
        ge=timedelta(seconds=1),
        description="How long the calls in progress of a process count after its end, if it ended without a shutdown.",
    )
    max_backlog: int = Field(
        default=1000,
        ge=1,
        description=(
            "Requests that guardrails has not finished, of all clients and tenants; on more, questions get status 429."
        ),
    )
    backlog_every: timedelta = Field(
        default=timedelta(seconds=1),
        ge=timedelta(milliseconds=100),
        description="Interval between reads of this backlog. A read takes at most five seconds.",
    )
    response_margin: timedelta = Field(
        default=timedelta(seconds=5),
        description="How long the gateway waits after a request's deadline for the response that reports it.",
    )
    keep_alive: timedelta = Field(
        default=timedelta(seconds=5),
        description="Interval of keep-alive chunks; until the first one an error has its own HTTP status.",
    )
    write_limit: timedelta = Field(
        default=timedelta(seconds=30),
        gt=timedelta(0),
        description="How long a client may read nothing of what is sent to it, until its connection is closed.",
    )
    cancel_grace: timedelta = Field(
        default=timedelta(seconds=2),
        description=(
            "How long a client that has disconnected may take to repeat a call with its `Idempotency-Key`, before the "
            "gateway cancels the request."
        ),
    )
    lookup_limit: timedelta = Field(
        default=timedelta(seconds=30), description="Limit of a search for an earlier response on the log."
    )
    remember_for: timedelta = Field(
        default=timedelta(days=7), description="How long request ids are kept, for repeated requests."
    )
    tidy_every: timedelta = Field(
        default=timedelta(minutes=10), description="Interval between purges of old request ids."
    )

    @property
    def limits(self) -> Limits:
        """The limits of each API key."""
        return Limits(self.key_requests_per_minute, self.key_tokens_per_minute, self.key_concurrent_requests)

    @property
    def has_limits(self) -> bool:
        """Whether there is any limit for all keys."""
        return self.limits.exist or self.key_concurrent_streams is not None

    def secret(self) -> bytes:
        """The secret of the keys' hashes.

        Raises:
            Permanent: it is missing or too short (code ``invalid_key_secret``).
        """
        secret = self.key_secret.get_secret_value()
        if len(secret) < SHORTEST_SECRET:
            raise Permanent(
                "invalid_key_secret",
                f"the secret of the API keys has {len(secret)} characters",
                field="SEPTET_GATEWAY_KEY_SECRET",
                fix=f"set at least {SHORTEST_SECRET} random characters",
            )
        return secret.encode()

    def tls(self) -> TlsOptions:
        """The certificate's options; empty if the API has none.

        Raises:
            Permanent: only one of both files is set, or they cannot be loaded (code ``invalid_tls``).
        """
        if self.tls_certificate is None and self.tls_key is None:
            return {}
        if self.tls_certificate is None or self.tls_key is None:
            missing = "CERTIFICATE" if self.tls_certificate is None else "KEY"
            raise Permanent(
                "invalid_tls",
                "the API has only one of a certificate and its key",
                field=f"SEPTET_GATEWAY_TLS_{missing}",
                fix="set both, or none",
            )
        password = self.tls_key_password.get_secret_value()
        try:
            # Without a function, OpenSSL asks for the password on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                self.tls_certificate, self.tls_key, lambda: password
            )
        except OSError as error:
            raise Permanent(
                "invalid_tls",
                f"the certificate {self.tls_certificate} cannot be used with the key {self.tls_key}: {error}",
                field="SEPTET_GATEWAY_TLS_CERTIFICATE",
                fix="name PEM files of a certificate and its key, and set SEPTET_GATEWAY_TLS_KEY_PASSWORD if it has one",
            ) from error
        return {
            "ssl_certfile": self.tls_certificate,
            "ssl_keyfile": self.tls_key,
            "ssl_keyfile_password": password or None,
        }
