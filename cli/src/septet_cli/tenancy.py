"""Loads the tenants file."""

from __future__ import annotations

from septet_kit.errors import Permanent
from septet_kit.tenants import Tenants

from septet_cli.errors import CliError
from septet_cli.settings import CliSettings


def known_tenants(settings: CliSettings | None = None) -> Tenants:
    """The tenants in the file that the services use (``SEPTET_TENANTS_FILE``).

    Raises:
        CliError: the file cannot be read or is not valid.
    """
    try:
        return Tenants.load((settings or CliSettings()).tenants_file)
    except Permanent as error:
        raise CliError(error.message, error.fix or "correct SEPTET_TENANTS_FILE") from error
