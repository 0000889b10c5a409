"""LangChain's standard tests of a chat model, with ``ChatOpenAI`` on the gateway."""

from __future__ import annotations

import os
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests import ChatModelIntegrationTests


class TestSeptet(ChatModelIntegrationTests):
    """What Septet does not have is declared; its tests are skipped with the reason."""

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        # LangChain asks other endpoints than OpenAI's for the usage of a stream only if told to. Without retrieval, the
        # model is asked: questions that no document answers get a sentence that says so, also if they want JSON.
        return {
            "model": "septet",
            "base_url": os.environ["OPENAI_BASE_URL"],
            "max_retries": 0,
            "stream_usage": True,
            "extra_body": {"septet": {"retrieval": {"mode": "off"}}},
        }

    @property
    def has_tool_calling(self) -> bool:
        # Tools are never called: answers come from the documents.
        return False

    @property
    def has_tool_choice(self) -> bool:
        return False

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        # The other method calls a tool.
        return {"method": "json_schema"}

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "gpt-4o-mini"
