"""The environment of the peers: ``python -m benchmarks.peers.environment`` creates ``.venv-bench`` beside ``.venv``.

It installs ``requirements-bench.lock`` and adds the packages of the current environment after its own. Only there, the
peers' versions of shared libraries (openai 2, SQLAlchemy 2.0) override those of the product.
"""

from __future__ import annotations

import sysconfig

from benchmarks.environment import Environment

ENVIRONMENT = Environment(".venv-bench", "requirements-bench.lock", "about 90 MB")
PYTHON = ENVIRONMENT.python
COMMAND = "python -m benchmarks.peers.environment"


def installed() -> bool:
    """Whether the environment matches the lock file."""
    return ENVIRONMENT.is_installed()


def install() -> None:
    """Create the environment, replacing an old one.

    Raises:
        subprocess.CalledProcessError: pip could not install the lock file.
    """
    ENVIRONMENT.install()
    own = sysconfig.get_paths()["purelib"]
    # addsitedir also reads the .pth files of editable installs; a plain path would not.
    (ENVIRONMENT.packages / "septet.pth").write_text(f"import site; site.addsitedir({own!r})\n", "utf-8")
    ENVIRONMENT.finish()


if __name__ == "__main__":
    if installed():
        print(f"{ENVIRONMENT.name}: up to date")
    else:
        install()
