"""The console in Chromium, on a gateway whose log is in memory."""

from __future__ import annotations

import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from septet_contracts import Request, Response
from septet_contracts.parts import CacheInfo, CitedSpan, Source

from .support import KEYS, World, respond

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)

from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]
PASSAGE = "덱 😀 holds. A deque is a queue with two ends. More."
SPAN = "A deque is a queue with two ends."
expect.set_options(timeout=2000)
HOSTILE = "Yes [1]. <script>window.hit=1</script> <img src=x onerror='window.hit=1'> ![i](https://evil.example/i.png) [l](javascript:hit)"


def source(number: int, **fields: Any) -> Source:
    start = PASSAGE.index(SPAN)
    spans = (CitedSpan(start=start, end=start + len(SPAN), kind="supporting"),) if fields.get("cited") else ()
    given = {
        "number": number,
        "passage_id": f"p{number}",
        "document_id": f"d{number}",
        "passage": PASSAGE,
        "spans": spans,
    }
    return Source(**(given | fields))


def answer(request: Request, **fields: Any) -> Response:
    sources = (source(1, title="collections", cited=True), source(2, title="queue <b>x</b>"))
    return respond(request, **({"sources": sources} | fields))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def address(world: World) -> Iterator[str]:
    """A gateway on a free port."""
    world.log.answer = answer
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(world.app(), port=port, log_level="error", lifespan="off", ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A signed-in page with a key of all scopes. Errors of scripts and of the policy fail the test."""
    context = browser.new_context(locale="en-US")
    opened = context.new_page()
    opened.set_default_timeout(3000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on(
        "console",
        lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None,
    )
    opened.goto(f"{address}/console")
    opened.get_by_label("API key").fill(KEYS["admin"])
    opened.get_by_role("button", name="Sign in").click()
    expect(opened.get_by_role("textbox", name="Question")).to_be_visible()
    yield opened
    context.close()
    assert errors == []


def ask(page: Page, question: str = "What is a deque?") -> None:
    page.get_by_role("textbox", name="Question").fill(question)
    page.get_by_role("textbox", name="Question").press("Enter")
    expect(page.get_by_role("button", name="Ask again").last).to_be_visible()


def kinds(world: World) -> list[str]:
    return [
        event.kind
        for event in world.log.published
        if hasattr(event, "kind") and hasattr(event, "feedback_id")
    ]


def test_a_wrong_key_is_refused_with_a_remedy(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="ko-KR")
    page.goto(f"{address}/console")
    page.get_by_label("API 키").fill("wrong")
    page.get_by_role("button", name="로그인").click()
    expect(page.get_by_role("alert")).to_contain_text("키가 올바르지 않습니다")
    page.close()


def test_the_session_survives_a_reload_and_ends_on_sign_out(page: Page) -> None:
    page.reload()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
    page.reload()
    expect(page.get_by_label("API key")).to_be_visible()


def test_row_2_the_caution_describes_the_input(page: Page) -> None:
    expect(page.get_by_role("textbox", name="Question")).to_have_accessible_description(
        re.compile("may be wrong")
    )


def test_row_6_cited_sources_have_chips_and_others_stand_apart(page: Page) -> None:
    ask(page)
    expect(page.get_by_role("button", name="Source 1: collections")).to_be_visible()
    expect(page.get_by_text("Also retrieved")).to_contain_text("queue <b>x</b>")


def test_row_7_a_chip_opens_the_passage_with_the_cited_span(page: Page) -> None:
    ask(page)
    chip = page.get_by_role("button", name="Source 1: collections")
    chip.click()
    viewer = page.get_by_role("complementary", name="collections")
    expect(viewer.get_by_role("mark")).to_have_text(SPAN)
    page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    expect(chip).to_be_focused()


def test_row_10_a_slash_focuses_the_input_and_enter_sends_once(page: Page, world: World) -> None:
    page.keyboard.press("/")
    expect(page.get_by_role("textbox", name="Question")).to_be_focused()
    ask(page)
    assert len(world.asked) == 1


@pytest.mark.parametrize("code", [229, 13])
def test_row_10_an_enter_that_ends_a_composition_sends_once(page: Page, world: World, code: int) -> None:
    page.get_by_role("textbox", name="Question").focus()
    cdp = page.context.new_cdp_session(page)
    cdp.send("Input.imeSetComposition", {"text": "안녕", "selectionStart": 2, "selectionEnd": 2})
    for kind in ("keyDown", "keyUp"):
        cdp.send(
            "Input.dispatchKeyEvent",
            {"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": code},
        )
    cdp.send("Input.insertText", {"text": "안녕"})
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()
    assert [request.query for request in world.asked] == ["안녕"]


def test_row_11_dismiss_hides_the_answer_and_is_published(page: Page, world: World) -> None:
    ask(page)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("A deque is a queue")).to_have_count(0)
    page.wait_for_timeout(200)
    assert kinds(world) == ["dismissed"]


def test_row_12_stop_cancels_the_request(page: Page, world: World) -> None:
    world.log.answer = lambda _: None
    page.get_by_role("textbox", name="Question").fill("What is a deque?")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible(timeout=1000)
    page.wait_for_timeout(500)
    assert [c.request_id for c in world.cancelled] == [world.asked[0].request_id]


def test_row_14_again_bypasses_the_cache(page: Page, world: World) -> None:
    ask(page)
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_role("button", name="Ask again")).to_have_count(2)
    assert [request.cache.use for request in world.asked] == ["default", "bypass"]
    assert len({request.conversation_id for request in world.asked}) == 1
    assert kinds(world) == ["regenerated"]


@pytest.mark.parametrize(
    ("status", "badge"), [("abstained", "No answer found"), ("blocked", "Blocked"), ("refused", "Refused")]
)
def test_rows_16_and_17_outcomes_have_badges(page: Page, world: World, status: str, badge: str) -> None:
    world.log.answer = lambda r: answer(r, status=status, answer="I do not know.", answer_kind="none")
    ask(page)
    expect(page.get_by_text(badge, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Rephrase")).to_have_count(int(status == "abstained"))


def test_row_23_a_thumb_is_saved_at_once(page: Page, world: World) -> None:
    ask(page)
    page.get_by_role("button", name="Not useful").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert kinds(world) == ["thumbs"]


def test_row_27_there_are_no_accessibility_violations(page: Page) -> None:
    for language in ("en", "ko"):
        page.locator("header select").first.select_option(language)
        for theme in ("light", "dark"):
            page.locator("header select").last.select_option(theme)
            found = axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
    page.locator("header select").first.select_option("en")
    ask(page)
    page.get_by_role("button", name="Source 1: collections").click()
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_row_27_a_narrow_page_does_not_scroll_sideways(page: Page, world: World) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    world.log.answer = lambda r: answer(r, answer="x" * 100_000 + " [1]")
    ask(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_hostile_answers_neither_run_nor_load_anything(page: Page, world: World) -> None:
    world.log.answer = lambda r: answer(r, answer=HOSTILE)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    ask(page, "<img src=x onerror='window.hit=1'>")
    assert page.evaluate("window.hit") is None
    assert page.locator("main img, main script, main a").count() == 0
    assert all("127.0.0.1" in url for url in requested)
    expect(page.get_by_text("<script>window.hit=1</script>")).to_be_visible()


def test_row_8_the_catalogues_have_the_same_keys(page: Page) -> None:
    module = page.evaluate("document.querySelector('script[src]').src.replace('main.js', 'messages.js')")
    keys = page.evaluate(
        "async (m) => { const { MESSAGES: c } = await import(m); return [Object.keys(c.en), Object.keys(c.ko)]; }",
        module,
    )
    assert sorted(keys[0]) == sorted(keys[1])
    page.locator("header select").first.select_option("ko")
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.get_by_role("textbox", name="질문")).to_be_visible()


def test_rows_4_and_18_limits_and_the_matched_question_are_shown(page: Page, world: World) -> None:
    cache = CacheInfo(status="hit_semantic", matched_question="Explain a deque")
    world.log.answer = lambda r: answer(r, cache=cache, answer_kind="cached", degraded=("judge_unavailable",))
    ask(page)
    expect(page.get_by_text("From cache", exact=True)).to_be_visible()
    expect(page.get_by_text("Limited", exact=True)).to_be_visible()
    page.get_by_text("Why?").click()
    expect(page.get_by_text("Matched question: Explain a deque")).to_be_visible()


def test_row_20_a_follow_up_after_a_reload_has_the_same_conversation(page: Page, world: World) -> None:
    ask(page)
    page.reload()
    ask(page, "And a queue?")
    assert len(world.asked) == 2
    assert len({request.conversation_id for request in world.asked}) == 1
