"""English word lists for reading questions. Closed classes are whole."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARTICLES = _words("a an the this that these those there here")
PRONOUNS = _words(
    """
    i me my mine myself we us our ours ourselves you your yours yourself one ones one's it its itself he him
    his she her hers they them their theirs
    """
)
AUXILIARIES = _words(
    """
    be am is are was were been being do does did doing done have has had having can could may might must
    shall should will would ought
    """
)
WH = _words("what which who whom whose when where why how")
CONNECTIVES = _words(
    """
    and or but if so because then than as while whether also too very much just really actually ever please
    well even though although etc e.g i.e hi hello hey thanks thank
    """
)
#: Prepositions by the role that they give to what follows.
ROLES = {
    "from": "from", "to": "to", "into": "to", "onto": "to", "by": "by", "before": "before", "after": "after",
    "than": "than", "over": "over", "above": "over", "under": "under", "below": "under", "since": "since",
    "until": "until", "till": "until", "with": "with", "without": "without", "against": "against",
    "off": "from", "behind": "behind", "via": "via", "in": "in", "on": "in", "at": "in", "inside": "in",
    "within": "in", "during": "in", "for": "for", "about": "about",
}  # fmt: skip
PREPOSITIONS = frozenset(ROLES) | _words(
    """
    of as per between among outside through across along around towards toward upon like near
    """
)
FUNCTION = ARTICLES | PRONOUNS | AUXILIARIES | WH | CONNECTIVES | PREPOSITIONS

NEGATIONS = _words(
    """
    not no non never none nobody nothing nowhere neither nor cannot without unable impossible fail fails
    failed failing lack lacks lacking
    """
)
LIGHT = _words(
    """
    good best better great top nice way thing things something anything stuff people person someone somebody
    anyone everyone get know want like go come have tell say think feel some many lot lots possible example
    kind type method approach answer question explain describe define difference tip advice suggestion opinion
    view thought other different various several right simple easy effective efficient mean meaning
    """
)
NOT_ADVERBS = _words("family monthly weekly yearly supply reply apply assembly anomaly monopoly italy")
#: What is asked of a subject; light words, but questions that differ in one differ.
ASPECTS = {
    "difference": "difference", "differ": "difference", "distinguish": "difference", "compare": "difference",
    "comparison": "difference", "versus": "difference", "vs": "difference", "example": "example",
    "instance": "example", "kind": "kind", "type": "kind", "category": "kind", "use": "use", "usage": "use",
    "purpose": "use", "work": "work", "tip": "tip", "similarity": "similarity", "similar": "similarity",
}  # fmt: skip
QUALIFIERS = {
    "only": "only", "just": "only", "always": "always", "still": "still", "yet": "yet", "already": "already",
    "again": "again", "today": "today", "tonight": "today", "tomorrow": "tomorrow", "yesterday": "yesterday",
    "now": "now", "currently": "now", "current": "now", "nowadays": "now", "presently": "now",
    "present": "now", "latest": "latest", "newest": "latest", "recent": "latest", "recently": "latest",
    "last": "last", "previous": "last", "next": "next", "upcoming": "next", "future": "future", "past": "past",
    "ago": "ago", "every": "every", "each": "every", "all": "all", "both": "both", "most": "most", "least": "least",
    "worst": "worst", "almost": "almost", "half": "half", "except": "except", "besides": "except",
    "instead": "instead", "permanently": "permanently", "temporarily": "temporarily", "automatically":
    "automatically", "manually": "manually", "else": "else", "other": "other",
}  # fmt: skip
MODALS = {
    "can": "can", "could": "can", "may": "can", "might": "can", "able": "can", "possible": "can",
    "should": "should", "ought": "should", "must": "must", "shall": "should", "will": "will", "would": "would",
    "did": "past", "was": "past", "were": "past", "had": "past",
}  # fmt: skip

IRREGULAR = {
    "used": "use", "using": "use",
    "learnt": "learn", "got": "get", "gotten": "get", "bought": "buy", "made": "make", "went": "go", "gone": "go",
    "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot", "teeth": "tooth",
    "wrote": "write", "written": "write", "ran": "run", "saw": "see", "seen": "see", "took": "take", "taken": "take",
    "gave": "give", "given": "give", "found": "find", "told": "tell", "said": "say", "thought": "think", "felt": "feel",
    "kept": "keep", "lost": "lose", "won": "win", "paid": "pay", "sold": "sell", "built": "build", "broke": "break",
    "broken": "break", "chose": "choose", "chosen": "choose", "began": "begin", "begun": "begin", "knew": "know",
    "known": "know", "spoke": "speak", "spoken": "speak", "ate": "eat", "eaten": "eat", "drank": "drink",
    "came": "come", "became": "become", "left": "leave", "met": "meet", "sent": "send", "spent": "spend",
    "taught": "teach", "understood": "understand", "died": "die", "dying": "die", "lying": "lie", "tried": "try",
    "indices": "index", "matrices": "matrix", "criteria": "criterion", "data": "data", "media": "media",
    "news": "news", "series": "series", "species": "species", "analyses": "analysis", "bases": "basis",
    "grew": "grow", "grown": "grow", "fell": "fall", "fallen": "fall", "held": "hold", "led": "lead", "drove": "drive",
    "faster": "fast", "quicker": "quick", "cheapest": "cheap", "easiest": "easy", "fastest": "fast",
    "easier": "easy", "biggest": "big", "largest": "large", "bigger": "big", "larger": "large",
}  # fmt: skip
