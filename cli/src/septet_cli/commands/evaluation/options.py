"""Options that the commands of ``septet eval`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from septet_cli.options import tenant_of

SuiteFolder = Annotated[
    Path, typer.Argument(metavar="SUITE", help="Directory of the suite, or its suite.yaml.")
]
Samples = Annotated[
    int | None,
    typer.Option(
        "--samples", min=1, max=100, help="Independent draws per case \\[default: `draws` of the suite]."
    ),
]
Rate = Annotated[
    float | None, typer.Option(min=0.01, help="Requests per second \\[default: `rate` of the suite, else 5].")
]
InFlight = Annotated[
    int | None,
    typer.Option(
        min=1, max=256, help="Requests in work at a time \\[default: `in_flight` of the suite, else 4]."
    ),
]
Deadline = Annotated[
    float | None,
    typer.Option(
        min=1, max=3600, help="Seconds until a response is due \\[default: `deadline` of the suite, else 60]."
    ),
]
Model = Annotated[str | None, typer.Option(help="Alias of the model to ask.")]
Policy = Annotated[str | None, typer.Option(help="Guardrail policy of the requests.")]
Retrieval = Annotated[
    str | None,
    typer.Option(metavar="K/MODE", help="Number of passages, mode, or both: `8`, `dense`, `8/dense`."),
]
SetField = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="FIELD=VALUE", help="Another field of the requests, such as `retrieval.fusion=rrf`."
    ),
]
Tenant = Annotated[str | None, tenant_of("requests")]
