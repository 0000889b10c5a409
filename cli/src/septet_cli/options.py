"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

DataDir = Annotated[Path | None, typer.Option(help="Data directory of the stack \\[default: .septet].")]


def tenant_of(what: str) -> Any:
    """The option for the tenant of a request, a document or an answer."""
    return typer.Option(help=f"Tenant of the {what} \\[default: SEPTET_TENANT, else `default`].")
