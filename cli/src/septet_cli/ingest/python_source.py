"""Documents from docstrings in Python source, read with ``ast``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from septet_cli.ingest.document import Document

MIN_DOC_CHARS = 12
MAX_INLINE_SIGNATURE = 60
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def documents(source: str, module: str) -> Iterator[Document]:
    """A document for the module and for each public class, method and function with a docstring.

    Raises:
        SyntaxError: *source* is not valid Python.
    """
    tree = ast.parse(source)
    doc = ast.get_docstring(tree)
    if doc and len(doc) >= MIN_DOC_CHARS:
        yield make(module, f"module {module}", doc, module)
    yield from _members(tree.body, module, module)


def _members(body: list[ast.stmt], scope: str, module: str) -> Iterator[Document]:
    for node in body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        name = f"{scope}.{node.name}"
        doc = ast.get_docstring(node)
        if doc and len(doc) >= MIN_DOC_CHARS:
            yield make(name, _signature(node, name), doc, module)
        if isinstance(node, ast.ClassDef):
            yield from _members(node.body, name, module)


def make(name: str, signature: str, doc: str, module: str) -> Document:
    """The document of one object; its qualified name is title and location.

    The first sentence starts with the name or a short signature, so that a quote of it names its subject. Long
    signatures follow the text.
    """
    calls, doc = _split_calls(inspect.cleandoc(doc).strip(), name.rpartition(".")[2])
    if calls and "(" not in signature:
        opening, rest = name, [signature, *calls]
    elif len(signature) > MAX_INLINE_SIGNATURE:
        opening, rest = name, [signature]
    else:
        opening, rest = signature, []
    text = f"{opening}: {doc}" if doc else opening
    if rest:
        text += "\n\nSignature: " + "\n".join(rest)
    return Document(
        document_id=f"python:{name}",
        title=name,
        location=name,
        uri=f"python:{module}#{name}",
        text=text,
    )


def _split_calls(doc: str, name: str) -> tuple[list[str], str]:
    """Split call lines such as ``deque([iterable]) --> deque object`` from the start of a C docstring."""
    lines = doc.splitlines()
    count = next((i for i, line in enumerate(lines) if not line.startswith(name + "(")), len(lines))
    return lines[:count], "\n".join(lines[count:]).strip()


def _signature(node: Definition, name: str) -> str:
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        return f"class {name}({bases})" if bases else f"class {name}"
    arguments = ast.unparse(node.args)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    prefix = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    return f"{prefix}{name}({arguments}){returns}"


def module_files(root: Path, module: str) -> Iterator[tuple[str, Path]]:
    """Module names and source files of a module, or of all public modules of a package.

    Args:
        root: file of the module, or folder of the package.
        module: name of the module.
    """
    if root.is_file():
        yield module, root
        return
    for file in sorted(root.rglob("*.py")):
        inner = [*file.relative_to(root).parts[:-1], *([] if file.stem == "__init__" else [file.stem])]
        if not any(part.startswith("_") or part in {"test", "tests", "idle_test"} for part in inner):
            yield ".".join([module, *inner]), file
