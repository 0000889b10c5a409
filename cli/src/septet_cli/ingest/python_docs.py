"""Documents of ``python:MODULE`` and ``python:stdlib``: docstrings of installed modules."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from septet_cli.errors import CliError
from septet_cli.ingest import python_builtin, python_source
from septet_cli.ingest.document import Document

PREFIX = "python:"

# Some of these open a window or a browser, print, or need another system on import; the others have no documentation.
_UNSAFE_NAMES = """
antigravity this idlelib turtle turtledemo tkinter test lib2to3 pydoc_data ensurepip msilib winreg winsound msvcrt
nt ntpath nturl2path site readline rlcompleter __future__ distutils encodings
"""
UNSAFE = frozenset(_UNSAFE_NAMES.split())


def load_modules(name: str) -> Iterator[Document]:
    """Documents of a module or package, or of the whole standard library (``stdlib``).

    Parses source files without running them. Imports modules of the standard library only, for objects written
    in C.

    Raises:
        CliError: the module does not exist or has side effects on import.
    """
    if name == "stdlib":
        for module in stdlib_modules():
            yield from _load(module)
        return
    yield from _load(name)


def load_selection(modules: Iterable[str]) -> list[Document]:
    """Documents of several modules, without duplicates."""
    found: dict[str, Document] = {}
    for module in modules:
        for document in _load(module):
            found.setdefault(document.document_id, document)
    return list(found.values())


def stdlib_modules() -> list[str]:
    """Installed public top-level modules of the standard library."""
    names = (n for n in sorted(sys.stdlib_module_names) if not n.startswith("_") and n not in UNSAFE)
    return [name for name in names if importlib.util.find_spec(name) is not None]


def _load(module: str) -> Iterator[Document]:
    top = module.partition(".")[0]
    if top in UNSAFE:
        raise CliError(
            f"python:{module} is not supported: its import has side effects.", "give another module"
        )
    known: set[str] = set()
    for name, file in _sources(module):
        for document in python_source.documents(file.read_text(encoding="utf-8"), name):
            if document.document_id not in known:
                known.add(document.document_id)
                yield document
    if top in sys.stdlib_module_names:
        for document in python_builtin.documents(module, known):
            if document.document_id not in known:
                known.add(document.document_id)
                yield document


def _sources(module: str) -> Iterator[tuple[str, Path]]:
    top, *inner = module.split(".")
    spec = importlib.util.find_spec(top) if top.isidentifier() else None
    if spec is None:
        raise CliError(
            f"There is no Python module {module}.", "install it into this environment, or correct the name"
        )
    if spec.origin is None or not spec.origin.endswith(".py"):
        return
    origin = Path(spec.origin)
    root = origin.parent if origin.name == "__init__.py" else origin
    path = root.joinpath(*inner)
    # Find a submodule by its path, because find_spec would import its parents.
    file = path if path.is_dir() else path.with_suffix(".py") if inner else path
    if not file.exists():
        raise CliError(f"There is no Python module {module}.", f"give a module below {root}")
    yield from python_source.module_files(file, module)
