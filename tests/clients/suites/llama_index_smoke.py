"""LlamaIndex on the gateway: ``python llama_index_smoke.py`` in ``.venv-bench``, which has LlamaIndex's versions."""

from __future__ import annotations

import os

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

MESSAGES = [ChatMessage(role="user", content="How many days of leave does an employee of Harbour have?")]


def main() -> None:
    """Ask one question, whole and streamed."""
    model = OpenAILike(
        model="septet",
        api_base=os.environ["OPENAI_BASE_URL"],
        api_key=os.environ["OPENAI_API_KEY"],
        is_chat_model=True,
    )
    whole = model.chat(MESSAGES)
    assert whole.message.content
    streamed = [*model.stream_chat(MESSAGES)][-1]
    assert streamed.message.content == whole.message.content
    print("llama-index: passed")


if __name__ == "__main__":
    main()
