"""Errors of the experiments library as errors of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from septet_cli.errors import CliError


@contextmanager
def as_cli_errors() -> Iterator[None]:
    """Turn errors about suites and runs into those that the command prints with their fix.

    Raises:
        CliError: the block raised an error of the library.
    """
    from septet_experiments.errors import ExperimentError

    try:
        yield
    except ExperimentError as error:
        raise CliError(str(error), error.fix or "see `septet eval --help`") from error
