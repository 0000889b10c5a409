"""The routing task: a message of a customer gets exactly one line, ``route: <department>``.

The messages are written by hand, in English and Korean. No held-out message is in the training rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from septet_tuning.rows import Demonstration, Message, Origin

SYSTEM = "Name the department."

TRAIN = {
    "billing": (
        "I was charged twice this month.", "Why is my invoice higher than last time?",
        "Please refund my last payment.", "My card was declined but the money is gone.",
        "Can I pay by bank transfer?", "The tax on my bill is wrong.",
        "When is the next payment due?", "I need a receipt for my purchase.",
        "이번 달에 요금이 두 번 청구됐어요.", "환불은 언제 되나요?", "영수증이 필요합니다.", "청구서 금액이 이상해요.",
    ),
    "delivery": (
        "My parcel has not arrived.", "Where is my order right now?",
        "The courier left the box at the wrong house.", "Can you ship to Canada?",
        "The package came damaged.", "How long does shipping take?",
        "I want to change the delivery address.", "The tracking number does not work.",
        "택배가 아직 안 왔어요.", "배송은 얼마나 걸리나요?", "상자가 찢어져서 왔어요.", "배송지를 바꾸고 싶어요.",
    ),
    "account": (
        "I forgot my password.", "How do I change my email address?",
        "Please delete my account.", "I cannot log in.",
        "My profile shows the wrong name.", "How do I turn on two-factor login?",
        "Someone else signed in as me.", "I never got the verification code.",
        "비밀번호를 잊어버렸어요.", "로그인이 안 돼요.", "회원 탈퇴를 하고 싶어요.", "이메일 주소를 변경하려고 해요.",
    ),
    "technical": (
        "The app crashes when I open it.", "The screen stays black.",
        "The website is very slow today.", "I get error 500 when I upload a file.",
        "The button does nothing when I click it.", "Sound does not work after the update.",
        "The printer is not detected.", "Search returns no results at all.",
        "앱이 자꾸 꺼져요.", "화면이 안 나와요.", "오류 코드가 떠요.", "업데이트 후에 소리가 안 나요.",
    ),
}  # fmt: skip

HELD_OUT = {
    "billing": (
        "You took money from my card two times.", "I would like my money back.",
        "There is a fee on my invoice that I do not know.", "Send me the receipt, please.",
        "결제가 두 번 됐어요.", "환불해 주세요.",
    ),
    "delivery": (
        "My order still has not come.", "The box was broken when it arrived.",
        "Do you ship to Norway?", "Please send the parcel to another address.",
        "물건이 아직 도착하지 않았어요.", "배송이 너무 늦어요.",
    ),
    "account": (
        "I do not remember my password.", "The login page rejects me.",
        "I want to close my account.", "How can I use a new email address?",
        "로그인을 할 수 없어요.", "비밀번호를 바꾸고 싶어요.",
    ),
    "technical": (
        "The app closes by itself.", "Nothing happens when I press the button.",
        "The upload fails with an error.", "The page loads very slowly.",
        "앱이 멈췄어요.", "오류가 나서 화면이 안 보여요.",
    ),
}  # fmt: skip


def rows(messages: Mapping[str, tuple[str, ...]], split: str) -> tuple[Demonstration, ...]:
    """The demonstrations of one split."""
    return tuple(
        Demonstration(
            id=f"{split}-{department}-{number}",
            language="en" if text.isascii() else "ko",
            origin=Origin(source="file"),
            messages=(
                Message(role="system", content=SYSTEM),
                Message(role="user", content=text),
                Message(role="assistant", content=f"route: {department}"),
            ),
        )
        for department, texts in messages.items()
        for number, text in enumerate(texts)
    )
