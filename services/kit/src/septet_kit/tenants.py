"""The tenants that may use the shared topics."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from septet_kit.errors import Permanent


@dataclass(frozen=True)
class Tenants:
    """The known tenants, from a YAML file with a list ``tenants``."""

    names: frozenset[str]

    @classmethod
    def load(cls, path: Path | None = None) -> Tenants:
        """Read ``path``, or the packaged file when it is ``None``.

        Raises:
            Permanent: the file is not a mapping with a list of names (code ``invalid_tenants_file``).
        """
        text = (path or files("septet_kit") / "tenants.yaml").read_text(encoding="utf-8")
        body = yaml.safe_load(text)
        names = body.get("tenants") if isinstance(body, dict) else None
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise Permanent(
                "invalid_tenants_file", f"{path}: expected a list of names under `tenants`",
                fix="write `tenants: [default]`",
            )  # fmt: skip
        return cls(frozenset(names))

    def require(self, tenant: str) -> None:
        """Refuse a tenant that does not exist.

        Raises:
            Permanent: code ``unknown_tenant``.
        """
        if tenant not in self.names:
            raise Permanent(
                "unknown_tenant", f"there is no tenant {tenant!r}", field="tenant",
                fix="use a tenant named in the tenants file (SEPTET_TENANTS_FILE)",
            )  # fmt: skip
