"""The main content of HTML pages."""

from __future__ import annotations

import pytest
from septet_retrieval.domain.chunking.chunker import chunk

TEXT = "The parcel arrives within three days. 소포는 3일 안에 도착합니다. " * 5
FRAME = "<div class=menu><a>Home</a> <a>Products</a> <a>Sign in</a></div>"


def texts(page: str) -> str:
    return "\n".join(c.text for c in chunk(page, "text/html"))


@pytest.mark.parametrize(
    "page",
    [
        f"<body>{FRAME}<main><h1>Shipping</h1><p>{TEXT}</p></main><div>Imprint</div></body>",
        f"<body>{FRAME}<div role=main><h1>Shipping</h1><p>{TEXT}</p></div><div>Imprint</div></body>",
        f"<body>{FRAME}<article><h1>Shipping</h1><p>{TEXT}</p></article><div>Imprint</div></body>",
        f"<body>{FRAME}<main><article><h1>Shipping</h1><p>{TEXT}</p></article></main><div>Imprint</div></body>",
        f"<body><div role=navigation>Sign in</div><h1>Shipping</h1><p>{TEXT}</p><div role=contentinfo>Imprint</div></body>",
    ],
)
def test_only_the_main_content_of_a_page_is_kept(page: str) -> None:
    found = texts(page)
    assert "소포는 3일 안에 도착합니다." in found
    assert "Shipping" in found
    assert "Sign in" not in found
    assert "Imprint" not in found


def test_all_articles_of_a_page_are_kept() -> None:
    found = texts(f"{FRAME}<article><p>{TEXT}</p></article><article><p>Second. {TEXT}</p></article>")
    assert "Second." in found
    assert "Sign in" not in found


def test_a_page_whose_main_element_is_empty_is_kept_whole() -> None:
    assert "three days" in texts(f"<main><div id=app></div></main><p>{TEXT}</p>")


def test_tables_of_the_main_content_are_kept() -> None:
    table = "<table><tr><th>Country</th><th>Price</th></tr><tr><td>Austria</td><td>12 EUR</td></tr></table>"
    assert "12 EUR" in texts(f"{FRAME}<main><p>{TEXT}</p>{table}</main>")


def test_an_element_that_is_never_closed_ends_with_the_page() -> None:
    assert "three days" in texts(f"{FRAME}<main><div><p>{TEXT}")
