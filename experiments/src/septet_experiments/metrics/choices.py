"""Finds the option of a multiple-choice question that a generated answer names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from septet_experiments.errors import NotComputable
from septet_experiments.metrics.units import squad_normalised

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CIRCLED = "".join(map(chr, range(0x2460, 0x2474)))
"""①, ② … ⑳"""

# Repetitions of characters that two neighbouring parts share are bounded, so that time stays linear in the text.
_OPEN = r"[\s(\[{<\"'“‘*_`]{0,6}"
_CLOSE = r"[)\]}>\"'”’*_`.]{0,6}"
_END = (
    r"(?=[)\]}>\"'”’*_`.,:;!?]|\s?$|\s?\n|\s?(?:번|가|이|은|는|을|를|입니다|이다|이며|이고|예요|이에요)"
    r"|\s(?:because|since|as)\b|\s?[-–—(])"
)
_NEGATED = rf"(?!{_CLOSE}\s?번?\s?(?:은|는|이|가)?\s?아[니닙닌님])"
_ALTERNATIVE = rf"{_CLOSE}\s?(?:,|/|or|and|또는|혹은|이나|와|과)\s?{_OPEN}"
_STATED_BEFORE = (
    r"(?:\b(?:answer|option|choice|choose|select|pick|go with)\b|\\boxed(?:\{\\text)?|정답|답변|답안|답)"
    r"[\s\"'”’*_]{0,6}(?:is|are|would be|으로는|은|는|이|을)?[\s:：=\-–—]{0,4}(?:option|choice|선택지|보기)?"
)
_STATED_AFTER = rf"{_CLOSE}\s?번?(?:(?:이|가)\s?(?:정답|답|맞)|\s?is\s(?:the\s)?(?:correct|right|answer)\b)"


def chosen(answer: str, options: Sequence[str]) -> int:
    """0-based index of the option that *answer* names by letter, number or text.

    The first rule that finds an option decides: a statement such as "the answer is (B)" or "정답: ②", of which the last
    counts; a letter or number at the start of a line; one in parentheses or circled; the text of an option.

    Raises:
        NotComputable: it names none, or several.
    """
    text = "\n".join(" ".join(line.split()) for line in answer.splitlines() if line.strip())
    labels = _Labels(options)
    for rule in (labels.stated, labels.leading, labels.marked, _texts(options)):
        found = rule(text)
        if len(found) == 1:
            return found.pop()
        if found:
            names = ", ".join(LETTERS[index] for index in sorted(found))
            raise NotComputable(f"the answer names several options: {names}")
    raise NotComputable("the answer names no option")


class _Labels:
    """Labels of the options: letters, circled numbers, and numbers unless options are numbers themselves."""

    def __init__(self, options: Sequence[str]) -> None:
        count = min(len(options), len(LETTERS))
        self._index = {LETTERS[i]: i for i in range(count)} | {CIRCLED[i]: i for i in range(min(count, 20))}
        numbers = [str(i + 1) for i in range(count)]
        self._options_are_numbers = any(re.fullmatch(r"[\d.,\s]+", option) for option in options)
        if not self._options_are_numbers:
            self._index |= {number: i for i, number in enumerate(numbers)}
        letters, circles = LETTERS[:count], CIRCLED[: min(count, 20)]
        number = (
            "|".join(sorted(numbers, key=len, reverse=True)) if not self._options_are_numbers else r"(?!)"
        )
        plain = rf"(?:[{letters}](?![A-Za-z])|(?:{number})(?![\d%])(?![.,]\d)|[{circles}])"
        another = rf"(?!{_ALTERNATIVE}{plain})"
        # A letter or a number is a label only where it may end: not in "A deque", 2.5, 20 or 2 %.
        label = rf"(?:(?:[{letters}](?![A-Za-z])|(?:{number})(?![\d%])(?![.,]\d)){_END}|[{circles}])"
        self._stated = re.compile(rf"{_STATED_BEFORE}{_OPEN}({label}){_NEGATED}{another}", re.IGNORECASE)
        self._stated_after = re.compile(rf"(?<![A-Za-z0-9])([{letters}]|{number}|[{circles}]){_STATED_AFTER}")
        ends = r"(?=[)\].:*_\"'”]+(?:\s|$)|\s?$|번|,?\s(?:because|since|as)\b)"
        self._leading = re.compile(
            rf"^[\s(\[*_\"'“]{{0,6}}(?:([{letters}]|{number}){ends}|([{circles}])){another}",
            re.MULTILINE | re.IGNORECASE,
        )
        self._marked = re.compile(rf"\(([{letters}]|{number})\)|([{circles}])")

    def stated(self, text: str) -> set[int]:
        """The option of the last statement."""
        found = [(m.start(1), m[1]) for m in self._stated.finditer(text)]
        found += [(m.start(1), m[1]) for m in self._stated_after.finditer(text)]
        return {self._index[max(found)[1].upper()]} if found else set()

    def leading(self, text: str) -> set[int]:
        """Options whose label starts a line."""
        return {self._index[(m[1] or m[2]).upper()] for m in self._leading.finditer(text)}

    def marked(self, text: str) -> set[int]:
        """Options whose label is in parentheses or circled."""
        return {self._index[m[1] or m[2]] for m in self._marked.finditer(text)}


def _texts(options: Sequence[str]) -> Callable[[str], set[int]]:
    normal = [squad_normalised(option) or option.strip() for option in options]

    def find(text: str) -> set[int]:
        answer = squad_normalised(text) or text
        if equal := {index for index, option in enumerate(normal) if option == answer}:
            return equal
        held = [index for index, option in enumerate(normal) if _holds(answer, option)]
        # "York" inside "New York" names the longer option alone.
        return {
            index
            for index in held
            if not any(normal[index] in normal[other] for other in held if normal[other] != normal[index])
        }

    return find


def _holds(answer: str, option: str) -> bool:
    """Whether an answer holds an option as whole words; Korean particles may follow."""
    if not option:
        return False
    return re.search(rf"(?<!\w){re.escape(option)}(?![a-z0-9_])", answer) is not None
