"""The tuning methods by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from septet_tuning.errors import MissingExtra
from septet_tuning.methods.protocol import Data, Figures, Method, Resources

__all__ = ["METHODS", "Data", "Figures", "Method", "Resources"]


def _deferred(module: str, name: str) -> Callable[[], Method]:
    """Import a method when it is used: some need packages of an extra."""

    def create() -> Method:
        try:
            found: Callable[[], Method] = getattr(import_module(f"septet_tuning.methods.{module}"), name)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in {"jax", "optax"}:
                raise
            raise MissingExtra(
                f"the method needs {error.name}, which is not installed",
                "Run `make setup-tuning`, or install septet-tuning[jax].",
            ) from None
        return found()

    return create


METHODS: Mapping[str, Callable[[], Method]] = {
    "lora": _deferred("language_model", "Lora"),
    "dpo": _deferred("language_model", "Dpo"),
}
