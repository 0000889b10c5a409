"""Documents from Python objects written in C, read with ``inspect``."""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Iterator
from types import ModuleType

from septet_cli.ingest.document import Document
from septet_cli.ingest.python_source import MIN_DOC_CHARS, make


def documents(module: str, known: set[str]) -> Iterator[Document]:
    """Documents of a module's public objects, except those with an id in *known*.

    Raises:
        ImportError: the module cannot be imported.
    """
    with warnings.catch_warnings():
        # The import of a deprecated module warns.
        warnings.simplefilter("ignore")
        loaded = importlib.import_module(module)
    doc = inspect.getdoc(loaded)
    if doc and len(doc) >= MIN_DOC_CHARS and f"python:{module}" not in known:
        yield make(module, f"module {module}", doc, module)
    for name in _public(loaded):
        yield from _object(getattr(loaded, name), f"{module}.{name}", module, known)


def _public(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None) or [n for n in dir(module) if not n.startswith("_")]
    return sorted(name for name in names if hasattr(module, name))


def _object(value: object, name: str, module: str, known: set[str]) -> Iterator[Document]:
    if not (inspect.isclass(value) or inspect.isbuiltin(value)):
        return
    shown = name.removeprefix("builtins.")
    doc = _own_doc(value)
    if doc and f"python:{shown}" not in known:
        yield make(shown, _signature(value, shown), doc, module)
    if (
        not inspect.isclass(value)
        or _is_exception(value)
        or value.__module__ not in (module, "builtins", "_" + module)
    ):
        return
    for member, function in sorted(vars(value).items()):
        doc = _own_doc(function)
        inner = f"{shown}.{member}"
        described = inspect.ismethoddescriptor(function) or isinstance(function, staticmethod | classmethod)
        if not member.startswith("_") and described and doc and f"python:{inner}" not in known:
            yield make(inner, _signature(function, inner), doc, module)


def _own_doc(value: object) -> str | None:
    doc = getattr(value, "__doc__", None)
    return doc if isinstance(doc, str) and len(doc) >= MIN_DOC_CHARS else None


def _is_exception(value: type) -> bool:
    return issubclass(value, BaseException)


def _signature(value: object, name: str) -> str:
    try:
        signature = str(inspect.signature(value))  # type: ignore[arg-type]
    except (ValueError, TypeError, AttributeError):
        # Many objects written in C have their signature in the docstring only, or defaults that this build lacks.
        signature = ""
    prefix = "class " if inspect.isclass(value) else ""
    return f"{prefix}{name}{signature}"
