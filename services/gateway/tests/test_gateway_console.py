"""The console's page and files: policy, caching, compression, size and the lock of the libraries."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from septet_gateway.console.bundle import FOLDER, load
from starlette.testclient import TestClient

from .support import World

ROOT = Path(__file__).parents[3]
_LIMIT = 400_000


@pytest.fixture
def browser(world: World) -> TestClient:
    """A client without a key."""
    return TestClient(world.app())


def test_the_page_allows_no_inline_code_except_the_import_map(browser: TestClient) -> None:
    page = browser.get("/console")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "http" not in policy
    (inline,) = re.findall(r"<script(?![^>]*src)[^>]*>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}'" in policy
    assert set(json.loads(inline)["imports"]) == {"preact", "preact/hooks", "htm", "markdown-it"}
    assert "<style" not in page.text
    assert "style=" not in page.text


def test_each_file_of_the_page_is_served_and_may_be_kept(browser: TestClient) -> None:
    links = re.findall(r'"(/console/assets/[^"]+)"', browser.get("/console").text)
    assert len(links) == 7
    for link in links:
        response = browser.get(link)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        assert response.headers["x-content-type-options"] == "nosniff"


def test_an_unchanged_page_is_not_sent_again(browser: TestClient) -> None:
    first = browser.get("/console")
    assert first.headers["cache-control"] == "no-cache"
    again = browser.get("/console", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_files_are_compressed_for_clients_that_accept_it(browser: TestClient) -> None:
    path = f"/console/assets/{load().digest}/vendor/markdown-it.mjs"
    with browser.stream("GET", path, headers={"accept-encoding": "gzip"}) as response:
        raw = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == load().assets["vendor/markdown-it.mjs"].body
    plain = browser.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "path", ["none/main.js", "{digest}/none.js", "{digest}/../page.html", "{digest}/%2e%2e/page.html"]
)
def test_no_other_file_is_served(browser: TestClient, path: str) -> None:
    assert browser.get("/console/assets/" + path.format(digest=load().digest)).status_code == 404


def test_the_root_leads_to_the_console(browser: TestClient) -> None:
    assert browser.get("/").url.path == "/console"


def test_all_files_together_are_small() -> None:
    assert sum(path.stat().st_size for path in (FOLDER / "assets").rglob("*") if path.is_file()) < _LIMIT


def test_the_libraries_are_those_of_the_lock() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "infra/vendor/vendor.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_own_files_name_no_foreign_host() -> None:
    own = [
        p
        for p in (FOLDER / "assets").rglob("*")
        if p.is_file() and "vendor" not in p.parts and p.suffix != ".svg"
    ]
    assert own
    for path in own:
        assert not re.search(r"https?://", path.read_text("utf-8")), path.name
