"""The console's files, read once, with their digest, types and compressed forms."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
PREFIX = "/console/assets"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
}
_IMPORTS = {
    "preact": "vendor/preact.mjs",
    "preact/hooks": "vendor/hooks.mjs",
    "htm": "vendor/htm.mjs",
    "markdown-it": "vendor/markdown-it.mjs",
}


@dataclass(frozen=True)
class File:
    """A file as it is served."""

    body: bytes
    compressed: bytes
    media_type: str
    etag: str


@dataclass(frozen=True)
class Bundle:
    """All files, and the content security policy of the page.

    The assets' path has the digest of all of them, so a browser may keep them without asking again.
    """

    digest: str
    page: File
    assets: dict[str, File]
    policy: str


@cache
def load() -> Bundle:
    """Read and compress the files."""
    folder = FOLDER / "assets"
    bodies = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    total = hashlib.sha256()
    for name, body in bodies.items():
        total.update(f"{name}\0{len(body)}\0".encode() + body)
    digest = total.hexdigest()[:16]
    base = f"{PREFIX}/{digest}"
    import_map = json.dumps({"imports": {name: f"{base}/{file}" for name, file in _IMPORTS.items()}})
    page = (FOLDER / "page.html").read_text("utf-8").replace("{assets}", base)
    page = page.replace("{import_map}", import_map)
    assets = {name: _file(body, _TYPES[Path(name).suffix]) for name, body in bodies.items()}
    return Bundle(digest, _file(page.encode(), "text/html; charset=utf-8"), assets, _policy(import_map))


def _file(body: bytes, media_type: str) -> File:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return File(body, gzip.compress(body, mtime=0), media_type, etag)


def _policy(import_map: str) -> str:
    """Browsers accept an import map only inline, so the policy allows this one by its hash."""
    allowed = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{allowed}'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
