"""Refuses a judge that is the generator of the judged answers."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from septet_experiments.judges.errors import SelfJudge

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - compared, not bound


@dataclass(frozen=True)
class ModelIdentity:
    """A model at an endpoint. ``url`` and ``digest`` are empty if they are not known."""

    name: str
    url: str = ""
    digest: str = ""


def is_same_model(one: ModelIdentity, other: ModelIdentity) -> bool:
    """Whether two identities are the same model: by digest, or by name and endpoint. An unknown endpoint counts as equal."""
    if one.digest and one.digest == other.digest:
        return True
    if not one.name or one.name != other.name:
        return False
    return not one.url or not other.url or _address(one.url) == _address(other.url)


def check_not_generator(judge: ModelIdentity, generator: ModelIdentity, *, allowed: bool = False) -> None:
    """Check that a judge is another model than the generator.

    Raises:
        SelfJudge: it is the same one, and ``allowed`` is false.
    """
    if not allowed and is_same_model(judge, generator):
        raise SelfJudge(
            f"the judge {judge.name} is the model that wrote the answers",
            "use another model as the judge, or allow it with `allow_self: true`",
        )


def _address(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return ("127.0.0.1" if host in _LOOPBACK else host, parts.port or default)
