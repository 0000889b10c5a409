"""Parts of a sentence that a claim consists of: content words, numbers, names, negations."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from septet_kit.text.word_forms import korean_stem, lemma

from septet_guardrails.domain.text import cached_if_short, words

# White space is matched from the start of a run only; from every position, a long run would take quadratic time.
CITATION = re.compile(r"(?:(?<!\s)\s+)?\[\d{1,3}(?:\s*,\s*\d{1,3})*\]|<[A-Z_]+_\d+>")


_CITED = re.compile(r"\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")


def cited_numbers(sentence: str) -> list[int]:
    """Return the numbers of the passages that a sentence cites, in order."""
    return [int(number) for match in _CITED.finditer(sentence) for number in match.group(1).split(",")]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS = _words(
    """
    a about above after again all also am an and any are as at be because been before being below
    between both but by can could did do does doing down during each few for from further had has have
    having he her here hers him his how i if in into is it its itself just like may me might more most
    must my of off on once one only or other our out over own per same shall she should so some such
    than that the their them then there these they this those through to too under until up upon us used
    very was we were what when where which while who whom whose why will with within would yes you your
    yeah well oh based according passage passages text context provided source sources states stated
    mentions mentioned answer minus
    """
)
_NEGATIONS = _words(
    """
    not no never none nobody nothing neither nor cannot without hardly unable fails lacks isn't aren't
    wasn't weren't don't doesn't didn't can't couldn't won't wouldn't shouldn't hasn't haven't hadn't
    isn’t aren’t wasn’t don’t doesn’t didn’t can’t won’t
    """
)
_CLAUSE_ENDS = re.compile(r"[,;:]\s|\s(?:and|but)\s")
# Words before a final "not" among which the denied word is searched.
_BEFORE = 20
_NOT_ONLY = (["only"], ["just"], ["merely"], ["simply"], ["solely"], ["alone"])
_ZERO_TO_TWENTY = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
NUMBER_WORDS = {word: str(number) for number, word in enumerate(_ZERO_TO_TWENTY.split())} | {
    "first": "1",
    "second": "2",
    "third": "3",
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "hundred": "100",
}
# A dash after a digit, letter or bracket joins, as in "5-7" and "COVID-19".
SIGN = r"(?:(?<![\w.,)\]])-)?"
_NUMBER = re.compile(SIGN + r"(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)")
_MINUS = re.compile(
    r"(?:\b(?:minus|negative)\s|(?<![가-힣])(?:영하|마이너스)\s?|\u2212)(?=\d)", re.IGNORECASE
)
_LEADING_ZEROS = re.compile(r"^(-?)0+(?=\d)")
_MONTHS_TEXT = "january february march april may june july august september october november december"
_MONTH_NAMES = _MONTHS_TEXT.split()
_MONTH = "|".join(_MONTH_NAMES)
_DATE = re.compile(rf"\b\d{{1,2}}\s({_MONTH})\b|\b({_MONTH})\s\d{{1,4}}\b", re.IGNORECASE)
_ISO_MONTH = re.compile(r"(?<!\d)\d{4}-(0[1-9]|1[0-2])-\d{2}(?!\d)")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:\s,\s?\d{3})+(?!\s?[\d,])")
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)(?<![\"“'(])\b[A-Z][\w’'-]*\b|\b[A-Z]{2,}\b|\b\w+[._]\w+\b")
_TOPIC = re.compile(r"(?<![가-힣])([가-힣]{2,8}?)(?:에서는|에는|으로는|은|는|이|가)(?![가-힣])")
_TOPIC_STOP = _words(
    """
    이것 그것 저것 이는 우리 여기 이들 그들 자신 경우 이름 때문 사람 정도
    """
)
_ALONE = frozenset({"값", "약", "및", "등", "수", "것", "때"})


def is_particle(word: str) -> bool:
    """Whether a word is only a Korean particle or ending, as after a Latin name or a number."""
    return word in _ALONE or not korean_stem(word)


def without_particle(word: str) -> str:
    """Return a Korean word without its particle or the ending of its predicate; any other word unchanged."""
    return (korean_stem(word) or word) if "가" <= word[0] <= "힣" else word


def content(text: str) -> list[str]:
    """Return the stems of the content words without numbers, in order."""
    return [
        lemma(word)
        for word in words(text)
        if word not in STOP_WORDS and word not in _NEGATIONS and not word[0].isdigit()
    ]


def joined_thousands(text: str) -> str:
    """Return the text with "235 , 000" as "235,000"."""
    return _SPACED_THOUSANDS.sub(lambda match: re.sub(r"\s", "", match.group()), text)


def numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text as plain digits; number words are converted."""
    plain = signed(CITATION.sub(" ", text))
    spelled = {NUMBER_WORDS[word] for word in words(plain) if word in NUMBER_WORDS}
    months = {str(_MONTH_NAMES.index((m[1] or m[2]).lower()) + 1) for m in _DATE.finditer(plain)}
    return frozenset({*_digits(plain), *_digits(joined_thousands(plain)), *spelled, *months})


def _digits(text: str) -> Iterator[str]:
    return (without_zeros(match.group().replace(",", "")) for match in _NUMBER.finditer(text))


def without_zeros(number: str) -> str:
    """Return a number without leading zeros, as in dates; "0.5" is unchanged."""
    return _LEADING_ZEROS.sub(r"\1", number)


def signed(text: str) -> str:
    """Return the text with "minus 5" and "영하 5" as "-5"."""
    return _MINUS.sub("-", text)


def written_numbers(text: str) -> frozenset[str]:
    """Return the numbers that a passage must have: digits, and number words except "one", "zero" and ordinals."""
    plain = joined_thousands(signed(CITATION.sub(" ", text)))
    spelled = {
        NUMBER_WORDS[w]
        for w in words(plain)
        if w in NUMBER_WORDS and w not in {"one", "first", "second", "third", "zero"}
    }
    return frozenset({*_digits(plain), *spelled})


def names(text: str) -> frozenset[str]:
    """Return capitalised words inside sentences, acronyms and dotted identifiers: lower case, no possessive."""
    found = {
        re.sub(r"['’]s?$", "", match.group().lower()) for match in _NAME.finditer(CITATION.sub(" ", text))
    }
    return frozenset(name for name in found if name not in STOP_WORDS and _is_name(name))


def _is_name(word: str) -> bool:
    """Whether a word with a dot has a letter before it: "os.path", and not "3.입니다"."""
    head, dot, _ = word.partition(".")
    return not dot or re.search("[a-z]", head) is not None


def topics(text: str) -> frozenset[str]:
    """Return Korean words that a topic or subject particle marks (은, 는, 이, 가), without the particle."""
    return frozenset(match.group(1) for match in _TOPIC.finditer(text) if match.group(1) not in _TOPIC_STOP)


def denied(text: str) -> frozenset[str]:
    """Return the negated words: the two content words after each English negation.

    "Not only" denies nothing, and two negations in a row cancel each other.
    """
    found: set[str] = set()
    for clause in _CLAUSE_ENDS.split(CITATION.sub("", text)):
        found.update(_denied_in_clause(words(clause)))
    return frozenset(found)


def _denied_in_clause(tokens: Sequence[str]) -> Iterator[str]:
    negated = [token in _NEGATIONS or token.endswith(("n't", "n’t")) for token in tokens]
    cancelled = -1
    for i, is_negation in enumerate(negated):
        if not is_negation or i <= cancelled or (tokens[i] == "not" and tokens[i + 1 : i + 2] in _NOT_ONLY):
            continue
        double = next((at for at in (i + 1, i + 2) if at < len(tokens) and negated[at]), None)
        if double is not None:
            cancelled = double
        else:
            after = content(" ".join(tokens[i + 1 : i + 5]))[:2]
            yield from after or (
                content(" ".join(tokens[max(0, i - _BEFORE) : i]))[-1:] if tokens[i] == "not" else []
            )


def bigrams(text: str) -> frozenset[str]:
    """Return Hangul character pairs within words without particles, stems of Latin words, and numbers."""
    found: set[str] = set()
    for word in words(text):
        if not re.match(r"[가-힣]", word):
            if word not in STOP_WORDS:
                found.add(lemma(without_zeros(word)))
            continue
        base = without_particle(word)
        found.update(base[i : i + 2] for i in range(max(1, len(base) - 1)))
    return frozenset(found)


@dataclass(frozen=True)
class Reading:
    """A parsed sentence.

    Attributes:
        text: the sentence.
        content: the stems of its content words, in order.
        bag: the same as a set, with the months of its dates.
        numbers: its numbers as plain digits.
        denied: the stems of negated words.
        bigrams: its Hangul character pairs, Latin stems and numbers.
    """

    text: str
    content: tuple[str, ...]
    bag: frozenset[str]
    numbers: frozenset[str]
    denied: frozenset[str]
    bigrams: frozenset[str]

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of all its words."""
        return frozenset(map(lemma, words(self.text)))


@cached_if_short(maxsize=1024)
def read(text: str) -> Reading:
    """Parse a sentence. Cached: every sentence of an answer is compared with the same passages."""
    found = tuple(content(text))
    # "1991-02-20" has the word "February".
    months = {lemma(_MONTH_NAMES[int(match[1]) - 1]) for match in _ISO_MONTH.finditer(text)}
    return Reading(text, found, frozenset({*found, *months}), numbers(text), denied(text), bigrams(text))


def adjacent(stems: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Return pairs of neighbouring content words."""
    return frozenset(itertools.pairwise(stems))
