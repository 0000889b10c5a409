"""Greetings, thanks and questions about the assistant: recognition and reply."""

from __future__ import annotations

from typing import Any

import pytest
from septet_contracts import Ask, Message, Outcome, Request, RetrievalOptions, Screened, encode
from septet_guardrails.adapters.language import FastTextLanguage
from septet_guardrails.adapters.names import PresidioNames
from septet_guardrails.adapters.policies import PolicyFiles
from septet_guardrails.adapters.profanity import ProfanityModel
from septet_guardrails.adapters.weights import injection_curve, injection_model
from septet_guardrails.application.screening import screen
from septet_guardrails.domain.policy import Policy, parse_policy
from septet_guardrails.domain.rails import input_rails
from septet_guardrails.domain.small_talk import MAX_CHARACTERS, small_talk
from septet_guardrails.handlers import RequestsHandler
from septet_kit.testing import context

RAILS = input_rails(injection_model(), injection_curve(), PresidioNames(), ProfanityModel())
LANGUAGE = FastTextLanguage()
HANDLER = RequestsHandler(PolicyFiles.load(), RAILS, LANGUAGE)

MESSAGES = {
    "greeting": [
        "Hi",
        "Hello!",
        "hey there",
        "Good morning",
        "good evening everyone",
        "hello :)",
        "Hellooo",
        "How are you?",
        "hi, how are you doing today?",
        "Nice to meet you",
        "what's up",
        "Hi Septet",
        "안녕",
        "안녕하세요",
        "안녕하세요!",
        "안녕하세요 반갑습니다",
        "안녕하십니까?",
        "반가워요~",
        "하이",
        "좋은 아침입니다",
        "hello 안녕하세요",
    ],
    "thanks": [
        "Thanks!",
        "thank you so much for your help",
        "ok thanks",
        "Great, thank you!",
        "thx",
        "Thanks a lot 😊",
        "Thank you very much.",
        "Appreciate it",
        "감사합니다",
        "정말 감사합니다!",
        "고마워",
        "고맙습니다^^",
        "답변 감사합니다",
        "알려주셔서 감사합니다",
        "도와줘서 고마워요",
        "네 감사합니다",
        "수고하세요",
        "도움이 많이 됐어요",
        "감사합니다 ㅎㅎ",
    ],
    "farewell": [
        "bye",
        "Goodbye!",
        "see you later",
        "안녕히 계세요",
        "좋은 하루 보내세요",
        "다음에 또 봐요",
    ],
    "ability": [
        "What can you do?",
        "what can you do for me?",
        "Who are you?",
        "How can you help me?",
        "What can I ask you?",
        "what kind of questions can you answer?",
        "hi, what can you do?",
        "help",
        "Can you help me?",
        "Tell me about yourself",
        "뭘 할 수 있어?",
        "무엇을 할 수 있나요?",
        "무엇을 도와줄 수 있어요?",
        "너는 누구야?",
        "당신은 누구세요?",
        "넌 뭐 할 수 있어?",
        "어떤 질문을 할 수 있나요?",
        "무엇을 물어볼 수 있나요?",
        "자기소개 해줘",
        "안녕! 넌 뭘 할 수 있니?",
        "도와주세요",
        "어떤 도움을 줄 수 있나요?",
        "뭐 물어볼 수 있어?",
        "어떻게 도와줄 수 있나요?",
        "이름이 뭐야?",
    ],
}
OTHERS = [
    "can you answer the question",
    "do you know the answer",
    "what do you cover",
    "what are your features",
    "what do you know about it",
    "what can you tell me about this",
    "how do i ask good questions",
    "how can i help you",
    "can you help me answer questions",
    "what did you just ask me",
    "hello world in Python?",
    "Hello, how do I reset my password?",
    "hello world",
    "hi-fi systems",
    "Thank you page not found",
    'What does "thanks" mean?',
    'print("hello")',
    "hello()",
    "hello.py",
    '"hello"',
    "'hello'",
    "Good morning America",
    "How are you billed?",
    "What can you do with a deque?",
    "What can you do about spam?",
    "what can you do for a headache",
    "Who are you going to call?",
    "help(print)",
    "help with asyncio",
    "Can you help me with my order?",
    "How do you say hello in Korean?",
    "What are your opening hours?",
    "What is your refund policy?",
    "Thanks, but what about refunds?",
    "thank you email template",
    "bye command in ftp",
    "how do you work with async generators",
    "what do you do with errors",
    "hey, what is a deque?",
    "Hello Kitty",
    "greeting",
    "What is HELLO in TLS?",
    "EHLO",
    "help desk phone number",
    "How can you help customers with refunds?",
    "What questions can I ask in an interview?",
    "what can i ask for",
    "Is anyone there at night?",
    "see you later alligator lyrics",
    "yes",
    "no",
    "ok",
    "cool",
    "What?",
    "Why?",
    "no thanks",
    "안녕하세요 환불은 어떻게 하나요?",
    "감사",
    "감사 보고서",
    "감사합니다를 영어로?",
    "안녕이라는 뜻은?",
    "'안녕하세요'의 의미",
    "안녕하세요라고 출력하는 코드",
    "네이버",
    "하이퍼파라미터",
    "바이러스",
    "하이닉스 주가",
    "도움말 파일은 어디 있나요?",
    "무엇을 할 수 없나요?",
    "관리자는 무엇을 할 수 있나요?",
    "이 함수로 무엇을 할 수 있나요?",
    "파이썬으로 뭘 할 수 있어?",
    "뭐가 문제야?",
    "누구의 책인가요?",
    "이름이 뭐야 그 함수?",
    "수고비는 얼마인가요?",
    "좋은 하루 루틴 추천",
    "고마운 사람에게 보내는 메일",
    "어떤 질문을 면접에서 할 수 있나요?",
    "도와주세요 로그인이 안 돼요",
    "안녕하세요, 배송은 언제 오나요",
    "감사원은 어떤 기관인가요?",
    "네",
    "아니요",
    "응",
    "그래",
    "이게 뭐야?",
    "저건 뭐예요?",
    "뭐야",
    "얼마야?",
    "오늘 날씨 어때?",
    "ㅋㅋㅋ",
    "오늘 기분 좋아지는 음악",
    "hello " * 30,
    "",
]


async def handle(question: str, **fields: Any) -> Any:
    request = Request(request_id="r-1", question=question, **fields)
    (emit,) = await HANDLER(request, context("requests", value=encode(request)))
    assert emit.topic == ("screened" if isinstance(emit.event, Screened) else "outcomes")
    return emit.event


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in MESSAGES.items() for text in texts]
)
def test_small_talk_is_recognised(kind: str, text: str) -> None:
    assert small_talk(text) == kind


@pytest.mark.parametrize("text", OTHERS)
def test_questions_and_mentions_are_not_small_talk(text: str) -> None:
    assert small_talk(text) is None


def test_long_messages_are_not_read() -> None:
    assert small_talk("thanks" + " " * (MAX_CHARACTERS - 6)) == "thanks"
    assert small_talk("thanks" + " " * MAX_CHARACTERS) is None


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("Hello!", "en", "I answer questions about the documents that I can search"),
        ("thx", "en", "You are welcome!"),
        ("bye", "en", "Goodbye!"),
        ("What can you do?", "en", "check each answer"),
        ("안녕하세요", "ko", "등록된 문서에 관한 질문에"),
        ("감사합니다", "ko", "천만에요!"),
        ("안녕히 계세요", "ko", "안녕히 가세요!"),
        ("뭘 할 수 있어?", "ko", "출처를 함께 알려 드리며"),
    ],
)
async def test_the_reply_is_a_template_without_search_and_sources(
    text: str, language: str, words: str
) -> None:
    event = await handle(text)
    assert isinstance(event, Outcome)
    assert (event.status, event.answer_kind, event.language) == ("answered", "none", language)
    assert words in event.answer
    assert (event.passages, event.model, event.usage.model_calls, event.cache) == ((), None, 0, None)
    verdict = event.verdicts[-1]
    assert (verdict.rail, verdict.decision, verdict.reason) == ("small_talk", "pass", small_talk(text))


@pytest.mark.parametrize(
    "fields",
    [
        {"generate": False},
        {"output_schema": {"type": "object"}},
        {"retrieval": RetrievalOptions(mode="off")},
        {"policy": "observe"},
    ],
)
async def test_clients_that_want_no_prose_from_documents_get_no_reply(fields: dict[str, Any]) -> None:
    assert isinstance(await handle("Hello!", **fields), Screened)


async def test_the_last_user_message_of_a_conversation_counts() -> None:
    earlier = (
        Message(role="user", content="What is a deque?"),
        Message(role="assistant", content="A queue [1]."),
    )
    thanks = (*earlier, Message(role="user", content="Great, thanks!"))
    request = Request(request_id="r-1", messages=thanks)
    (emit,) = await HANDLER(request, context("requests", value=encode(request)))
    assert emit.topic == "outcomes"


async def test_a_blocked_greeting_gets_no_reply() -> None:
    policy = parse_policy("input: {length: {max_characters: 3}}", "p")
    found = screen(Ask(question="Hello!"), policy, RAILS, LANGUAGE)
    assert (found.blocked_by, found.reply) == ("length", None)


def test_a_policy_names_the_documents_in_each_language() -> None:
    policy = parse_policy("input: {small_talk: {corpus: {en: the handbook, ko: 사내 안내서}}}", "p")
    for text, name in (("hi", "about the handbook"), ("안녕", "사내 안내서에 관한")):
        assert name in (screen(Ask(question=text), policy, RAILS, LANGUAGE).reply or "")
    english = parse_policy("input: {small_talk: {corpus: {en: the handbook}}}", "p")
    assert "등록된 문서" in (screen(Ask(question="안녕"), english, RAILS, LANGUAGE).reply or "")


def test_a_policy_can_switch_it_off() -> None:
    off = parse_policy("input: {small_talk: {enabled: false}}", "p")
    found = screen(Ask(question="hi"), off, RAILS, LANGUAGE)
    assert (found.reply, "small_talk" in [v.rail for v in found.verdicts]) == (None, False)
    assert screen(Ask(question="hi"), Policy(), RAILS, LANGUAGE).reply is not None


@pytest.mark.parametrize(
    "question",
    [
        "Can you explain the different categories?",
        "Can you list the topics?",
        "What's new?",
        "What is happening?",
        "Is the support good? Thanks",
        "어떻게 할 수 있나요?",
    ],
)
def test_question_about_a_subject_is_no_small_talk(question: str) -> None:
    assert small_talk(question) is None


async def test_question_within_a_conversation_is_about_its_subject() -> None:
    history = [{"role": "user", "content": "휴가 제도를 설명해 줘"}, {"role": "assistant", "content": "네."}]
    asked = Request.model_validate(
        {"request_id": "r", "messages": [*history, {"role": "user", "content": "무엇을 할 수 있나요?"}]}
    )
    (emit,) = await HANDLER(asked, context("requests"))
    assert emit.topic == "screened"
