"""Policies from YAML files: packaged, from the operator's directory, and from its directories per tenant."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from septet_guardrails.domain.errors import InvalidPolicy, Rejected
from septet_guardrails.domain.policy import Policy, parse_policy


class PolicyFiles:
    """Policies that are read once at start-up, so that an invalid file stops the service instead of a request.

    ``DIR/strict.yaml`` replaces the packaged policy of that name for all tenants, ``DIR/acme/strict.yaml`` for
    the tenant ``acme``.
    """

    def __init__(self, common: dict[str, Policy], tenants: dict[str, dict[str, Policy]]) -> None:
        self._common = common
        self._tenants = tenants

    @classmethod
    def load(cls, directory: Path | None = None, entailment: str = "") -> PolicyFiles:
        """Read all policies.

        Args:
            directory: of additional policies.
            entailment: version of the entailment model, a part of the version of each policy that uses it.

        Raises:
            InvalidPolicy: a file is not a valid policy, or ``directory`` does not exist.
        """
        packaged = files("septet_guardrails") / "policies"
        common = {
            Path(entry.name).stem: parse_policy(entry.read_text(encoding="utf-8"), entry.name, entailment)
            for entry in packaged.iterdir()
            if entry.name.endswith(".yaml")
        }
        if directory is None:
            return cls(common, {})
        if not directory.is_dir():
            raise InvalidPolicy(f"{directory}: there is no such directory of policies")
        folders = (folder for folder in sorted(directory.iterdir()) if folder.is_dir())
        tenants = {folder.name: _read(folder, entailment) for folder in folders}
        return cls(common | _read(directory, entailment), tenants)

    def all(self) -> Iterator[Policy]:
        """Return all policies that a request can name."""
        yield from self._common.values()
        for own in self._tenants.values():
            yield from own.values()

    def find(self, tenant: str, name: str) -> Policy:
        """See :class:`septet_guardrails.ports.Policies`."""
        own = self._tenants.get(tenant, {})
        policy = own.get(name) or self._common.get(name)
        if policy is None:
            known = self._common | own
            fix = f"name one of: {', '.join(sorted(known))}"
            raise Rejected("unknown_policy", f"there is no policy {name!r}", field="policy", fix=fix)
        return policy


def _read(folder: Path, entailment: str) -> dict[str, Policy]:
    return {
        path.stem: parse_policy(path.read_text(encoding="utf-8"), str(path), entailment)
        for path in sorted(folder.glob("*.yaml"))
    }
