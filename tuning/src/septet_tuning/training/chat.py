"""Tokens of chats: the tokenizer and the template of the base model's GGUF file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gguf import GGUFReader
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits
from tokenizers.pre_tokenizers import Sequence as Steps

from septet_tuning.errors import TuningError
from septet_tuning.rows import Message

# `tokenizer.ggml.token_type` of tokens that text does not contain.
_CONTROL = 3


@dataclass(frozen=True)
class Example:
    """Tokens of one target and of the prompt before it."""

    prompt: tuple[int, ...]
    target: tuple[int, ...]
    weight: float = 1.0

    def __len__(self) -> int:
        return len(self.prompt) + len(self.target)


class Chat:
    """Encodes chats as the server of the base model does."""

    def __init__(self, file: Path) -> None:
        fields = {
            name: value.contents()
            for name, value in GGUFReader(file).fields.items()
            if name.startswith("tokenizer.")
        }
        if fields["tokenizer.ggml.model"] != "gpt2" or fields["tokenizer.ggml.pre"] != "smollm":
            raise TuningError(
                f"{file}: the tokenizer {fields['tokenizer.ggml.model']}/{fields['tokenizer.ggml.pre']} is not supported",
                "Use a base model of the SmolLM2 family.",
            )
        self._template = str(fields["tokenizer.chat_template"])
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self._compiled = environment.from_string(self._template)
        self._end = int(fields["tokenizer.ggml.eos_token_id"])
        self._tokenizer = _tokenizer(
            fields["tokenizer.ggml.tokens"],
            fields["tokenizer.ggml.merges"],
            fields["tokenizer.ggml.token_type"],
        )

    @property
    def template_digest(self) -> str:
        """SHA-256 of the chat template."""
        return f"sha256:{hashlib.sha256(self._template.encode()).hexdigest()}"

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt, up to where the assistant's answer starts."""
        return str(
            self._compiled.render(
                messages=[message.model_dump() for message in messages], add_generation_prompt=True
            )
        )

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; names of control tokens become these."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without control tokens."""
        return self._tokenizer.decode(list(tokens))

    def example(self, prompt: Sequence[Message], target: str, weight: float = 1.0) -> Example:
        """Prompt and target, encoded apart as the server continues a prompt. The target ends with the end token."""
        return Example(tuple(self.encode(self.render(prompt))), (*self.encode(target), self._end), weight)


def _tokenizer(tokens: list[str], merges: list[str], types: list[int]) -> Tokenizer:
    pairs = [(left, right) for left, right in (merge.split(" ", 1) for merge in merges)]
    tokenizer = Tokenizer(BPE({token: index for index, token in enumerate(tokens)}, pairs))
    tokenizer.pre_tokenizer = Steps(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    from tokenizers.decoders import ByteLevel as Bytes

    tokenizer.decoder = Bytes()
    controls = [token for token, kind in zip(tokens, types, strict=True) if kind == _CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in controls])
    return tokenizer
