"""Settings that every service shares. Each field is an environment variable: ``SEPTET_`` + its name."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from septet_kit import embedding_models
from septet_kit.errors import Permanent
from septet_kit.messaging.connection import KafkaConnection, Mechanism, Protocol
from septet_kit.namespace import Namespace

SECRETS_DIR = "SEPTET_SECRETS_DIR"


class FileSettings(BaseSettings):
    """Settings from the environment, or from files of the directory that ``SEPTET_SECRETS_DIR`` names.

    A file has the name of its variable in lower case: ``septet_kafka_password``. The environment takes precedence.
    """

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, files.

        Raises:
            Permanent: the directory does not exist (code ``secrets_dir_missing``).
        """
        directory = os.environ.get(SECRETS_DIR)
        if not directory:
            return init_settings, env_settings
        if not Path(directory).is_dir():
            raise Permanent(
                "secrets_dir_missing",
                f"{directory} is not a directory",
                field=SECRETS_DIR,
                fix=f"mount the secrets there, or unset {SECRETS_DIR}",
            )
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, directory)


class KitSettings(FileSettings):
    """Addresses and limits that all services share."""

    model_config = SettingsConfigDict(env_prefix="SEPTET_", extra="ignore")

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_protocol: Protocol = Field(
        default="PLAINTEXT", description="`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`."
    )
    kafka_username: str = Field(default="", description="The service's own user, with the SASL protocols.")
    kafka_password: SecretStr = Field(default=SecretStr(""), description="Its password.")
    kafka_ca_file: Path | None = Field(
        default=None, description="PEM file of the authority that signed the brokers' certificates."
    )
    kafka_mechanism: Mechanism = Field(
        default="SCRAM-SHA-512", description="`SCRAM-SHA-512`, `SCRAM-SHA-256` or `PLAIN`."
    )
    postgres_dsn: SecretStr = SecretStr("postgresql://septet@127.0.0.1:5432/septet")
    postgres_pool: int = Field(default=4, ge=1, description="Connections per process.")
    postgres_statement_timeout: timedelta = Field(
        default=timedelta(seconds=10), description="The server ends a statement that takes longer."
    )
    postgres_lock_timeout: timedelta = Field(
        default=timedelta(seconds=5), description="How long a statement waits for a lock."
    )
    postgres_idle_timeout: timedelta = Field(
        default=timedelta(seconds=30),
        description="A transaction that does nothing for longer loses its connection.",
    )
    embeddings_url: str = "http://127.0.0.1:8081/v1"
    embeddings_model: str = embedding_models.DEFAULT
    embeddings_question_prefix: str | None = Field(
        default=None,
        description="Text before a question; by default as the model's definition says, or none.",
    )
    embeddings_passage_prefix: str | None = Field(
        default=None, description="Text before a passage or an answer; by default as with questions."
    )
    embeddings_api_key: SecretStr = SecretStr("none")
    calibration_file: Path | None = Field(
        default=None,
        description="File of `septet calibrate` for the embedding model: retrieval, eval and the cache use its values. "
        "By default the shipped values.",
    )
    llm_url: str = "http://127.0.0.1:8080/v1"
    llm_model: str = "septet-small"
    llm_api_key: SecretStr = SecretStr("none")
    answer_keys: SecretStr = Field(
        default=SecretStr(""),
        description="Keys of guardrails and eval, separated by commas: the first encrypts restored answers between "
        "them, all decrypt. A policy with `restore` needs one.",
    )
    otlp_endpoint: str | None = Field(
        default=None, description="OTLP/HTTP base address; no traces if absent."
    )
    data_dir: Path = Path(".septet")
    tenants_file: Path | None = Field(
        default=None, description="YAML list of tenants; packaged one if absent."
    )
    instance: str | None = Field(
        default=None,
        description="Static member name, unique per process of a service; <service>-0 if absent.",
    )
    namespace: str = Field(
        default="",
        description="Beginning of all names of this process (topics, groups, members, schemas, locks), for an instance "
        "group beside the live one; empty: the live side.",
    )
    health_port: int = Field(default=0, ge=0, le=65_535, description="0: no health server.")
    health_host: str = "127.0.0.1"
    log_level: str = "INFO"
    capture_content: bool = Field(default=False, description="Prompt and answer text in traces.")
    shutdown_grace: timedelta = timedelta(seconds=10)
    watchdog_timeout: timedelta = Field(
        default=timedelta(seconds=30),
        description="Standstill after which the process is unhealthy and ends itself.",
    )
    max_in_flight_bytes: int = Field(
        default=32 * 1024 * 1024,
        ge=1024 * 1024,
        description="Bytes of records in flight above which the process fetches no more.",
    )
    commit_interval: timedelta = timedelta(milliseconds=200)
    session_timeout: timedelta = timedelta(seconds=10)

    @field_validator("namespace")
    @classmethod
    def _valid(cls, name: str) -> str:
        return Namespace(name).name

    @property
    def names(self) -> Namespace:
        """The mapping of all names of this process."""
        return Namespace(self.namespace)

    def member(self, service: str) -> str:
        """Name of this process of a service: its group member, its locks and its claims."""
        return self.names.qualify(self.instance or f"{service}-0")

    def kafka(self) -> KafkaConnection:
        """How this process connects to Kafka."""
        return KafkaConnection(
            self.kafka_bootstrap,
            self.kafka_protocol,
            self.kafka_username,
            self.kafka_password.get_secret_value(),
            self.kafka_ca_file,
            self.kafka_mechanism,
        )
