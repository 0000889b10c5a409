"""Credentials of a stack of containers, one directory for each principal.

A container mounts its own directory only. Existing passwords are kept, so that a later start, or a service added
later, reads the same ones.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from septet_native.credentials.certificates import NAMES, Certificates
from septet_native.credentials.passwords import (
    KEY_SECRET_FILE,
    PASSWORD_FILE,
    USERNAME_FILE,
    password,
    sealing_keys,
    write_private,
)
from septet_native.services import ALL_SERVICES

OWNER, SUPERUSER = "septet", "postgres"
# The containers run as different users; a group that they share reads the files.
READABLE, PASSABLE = 0o640, 0o750


@dataclass(frozen=True)
class Layout:
    """The directories that the containers mount, below one root.

    Attributes:
        root: holds ``authority/`` (not mounted), ``ca/``, ``broker/``, ``postgres/``, ``setup/``, ``operator/`` and one
            directory for each service.
        database: ``host:port`` of PostgreSQL as the services reach it.
    """

    root: Path
    database: str

    def write(self, kafka_names: Iterable[str] = NAMES) -> None:
        """Write the files that are missing."""
        tls = Certificates(self.root / "authority")
        tls.ensure(tuple(kafka_names))
        for folder in ("ca", "broker"):
            self._copy(tls.authority, folder)
        self._copy(tls.server, "broker")
        self._put("broker", "septet_broker_password", self._kafka("admin"))
        self._put("postgres", "superuser_password", self._postgres(SUPERUSER))
        for role in (OWNER, *ALL_SERVICES):
            self._put("postgres", f"septet_postgres_{role}_password", self._postgres(role))
        for service in ALL_SERVICES:
            self._user(service, service)
            self._put(service, "septet_postgres_dsn", self._dsn(service))
        self._put("gateway", KEY_SECRET_FILE, password(self.root / "authority" / "gateway"))
        for service, keys in sealing_keys(self.root / "authority" / "sealing").items():
            for variable, key in keys.items():
                self._put(service, variable.lower(), key)
        self._user("operator", "operator")
        self._user("setup", "admin")
        self._put("setup", "septet_postgres_owner_dsn", self._dsn(OWNER))
        for principal in ("admin", "operator", *ALL_SERVICES):
            self._user(f"setup/users/{principal}", principal)

    def _kafka(self, principal: str) -> str:
        return password(self.root / "authority" / "kafka" / principal)

    def _postgres(self, role: str) -> str:
        return password(self.root / "authority" / "postgres" / role)

    def _dsn(self, role: str) -> str:
        return f"postgresql://{role}:{self._postgres(role)}@{self.database}/septet"

    def _user(self, folder: str, principal: str) -> None:
        self._put(folder, USERNAME_FILE, principal)
        self._put(folder, PASSWORD_FILE, self._kafka(principal))

    def _put(self, folder: str, name: str, text: str) -> None:
        path = self._folder(folder) / name
        write_private(path, text)
        path.chmod(READABLE)

    def _copy(self, source: Path, folder: str) -> None:
        path = self._folder(folder) / source.name
        shutil.copyfile(source, path)
        path.chmod(READABLE)

    def _folder(self, name: str) -> Path:
        folder = self.root
        for part in name.split("/"):
            folder /= part
            folder.mkdir(exist_ok=True)
            folder.chmod(PASSABLE)
        return folder
