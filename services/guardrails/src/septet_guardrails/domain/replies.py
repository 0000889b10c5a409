"""Messages for blocked questions and refused answers, in English and Korean."""

from __future__ import annotations

from collections.abc import Mapping

from septet_contracts import Draft, ErrorInfo

from septet_guardrails.domain.rails.base import Finding

_BLOCKED = {
    "length": (
        "Your question is too long for me. Please shorten it.",
        "질문이 너무 깁니다. 짧게 줄여서 다시 물어봐 주세요.",
    ),
    "language": ("I cannot answer in this language here.", "여기서는 이 언어로 답할 수 없습니다."),
    "topic": ("I cannot talk about this topic here.", "여기서는 이 주제에 대해 답할 수 없습니다."),
    "injection": (
        "I cannot follow this request, because it tries to change how I work. Please ask your question directly.",
        "저의 동작 방식을 바꾸려는 요청은 따를 수 없습니다. 궁금한 점을 바로 물어봐 주세요.",
    ),
    "toxicity": (
        "I cannot answer a message with insults, threats or hate. Please put it another way.",
        "욕설이나 위협, 혐오가 담긴 메시지에는 답할 수 없습니다. 다른 표현으로 물어봐 주세요.",
    ),
    "pii": (
        "Your message holds personal data. Please remove it and ask again.",
        "메시지에 개인정보가 들어 있습니다. 개인정보를 빼고 다시 물어봐 주세요.",
    ),
}
_REFUSED = {
    "format": ("no usable text came out", "쓸 수 있는 글이 나오지 않았습니다"),
    "truncated": ("it was cut off before its end", "답변이 끝나기 전에 잘렸습니다"),
    "structure": ("it did not have the structure you asked for", "요청하신 형식에 맞지 않았습니다"),
    "toxicity": ("it was not civil", "부적절한 표현이 있었습니다"),
    "pii": ("it held personal data", "개인정보가 들어 있었습니다"),
    "echo": ("it repeated instructions", "지시문을 그대로 되풀이했습니다"),
    "groundedness": ("the sources do not support it", "출처가 뒷받침하지 않았습니다"),
    "citations": ("no source could be named for it", "근거가 되는 출처를 댈 수 없었습니다"),
}


def blocked(rail: str, language: str | None) -> str:
    """Return the message for a question that ``rail`` blocked."""
    return _BLOCKED[rail][language == "ko"]


def refusal(draft: Draft, failures: Mapping[str, Finding]) -> str:
    """Return the message for a refused answer: the reasons, and sources that may help."""
    korean = draft.language == "ko"
    reasons = ["truncated" if finding.truncated else rail for rail, finding in failures.items()]
    why = (", " if korean else " and ").join(_REFUSED[reason][korean] for reason in reasons)
    shown = enumerate(draft.passages[:3], 1)
    offered = " ".join(f"[{i}] {p.title or p.location or p.document_id}" for i, p in shown)
    if korean:
        return f"답변을 드리지 않습니다. 작성한 답변을 확인한 결과: {why}." + (
            f" 참고할 만한 출처: {offered}" if offered else ""
        )
    return f"I am not giving the answer I drafted: {why}." + (
        f" These sources may help: {offered}" if offered else ""
    )


def truncation(draft: Draft, stage: str) -> ErrorInfo:
    """Return the error of a refused answer whose draft was cut off."""
    structured = draft.ask.output_schema is not None
    shorter = "ask for fewer or shorter values (`maxItems`, `maxLength`)" if structured else "ask for less"
    limit = "max_tokens_json" if structured else "max_tokens"
    return ErrorInfo(
        code="draft_truncated",
        message=f"the draft of {draft.model} ended before it was complete ({draft.finish_reason})",
        field="output_schema" if structured else None,
        fix=f"{shorter}, or raise `{limit}` of the model in SEPTET_GENERATION_MODELS",
        stage=stage,
    )
