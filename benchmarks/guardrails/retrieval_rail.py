"""Instructions to the assistant inside passages: recall by family of attack, alarms by set of documents, and CPU time.

    SEPTET_DATA=… OMP_NUM_THREADS=1 python -m benchmarks.guardrails.retrieval_rail [--embedding]

An attack of BIPIA is put at the beginning, in the middle and at the end of mails and tables of the same set. It counts
as caught if it is completely inside the found spans. ``--embedding`` also measures the embedding of the same passages
with the local model (``septet_native``), for the ratio of the two times. Writes ``results/retrieval_rail.json``.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random

from septet_kit.injection.embedded import find_instructions
from septet_retrieval.domain.chunking import Limits
from septet_retrieval.domain.passages import Document, IndexedPassage, to_passages

from benchmarks.guardrails import retrieval_hand as hand
from benchmarks.guardrails.sets import part, rows, save

ROOT = Path(__file__).resolve().parents[2]
HOSTS, MIN_HOST, MAX_HOST = 5, 200, 1_000
TIMED = 200
SETS = {
    "faststream docs": ("faststream_docs/documents", "text", "text/markdown"),
    "anthropic docs": ("anthropic_docs_qa/chunks", "text", "text/markdown"),
    "chunking eval": ("chunking_eval/documents", "text", "text/plain"),
    "tydi passages, english": ("tydiqa_goldp_en/contexts", "text", "text/plain"),
    "tydi passages, korean": ("tydiqa_goldp_ko/contexts", "text", "text/plain"),
    "hotpot passages": ("hotpotqa_100/corpus", "text", "text/plain"),
    "bipia mails and tables": ("bipia/contexts", "context", "text/plain"),
    "cranfield abstracts": ("cranfield/corpus", "text", "text/plain"),
}


def passages_of(texts: Iterable[tuple[str, str, str]]) -> list[IndexedPassage]:
    """Split (id, text, media type) as retrieval does."""
    return [
        passage
        for name, text, media_type in texts
        for passage in to_passages(Document("default", name, text, media_type=media_type), Limits())
    ]


def harmless() -> dict[str, list[IndexedPassage]]:
    """Return the passages of each set of documents."""
    found = {
        name: passages_of((str(row.get("id")), str(row[field]), media) for row in rows(path))
        for name, (path, field, media) in SETS.items()
    }
    pages = sorted(path for folder in ("docs", "benchmarks") for path in (ROOT / folder).rglob("*.md"))
    texts = (
        (str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"), "text/markdown") for path in pages
    )
    found["documentation of septet"] = passages_of(texts)
    written = {
        "texts about attacks, by hand": hand.DISCUSSIONS,
        "orders to people, by hand": hand.HUMAN_ORDERS,
    }
    for name, language in (("english", "en"), ("korean", "ko")):
        written[f"manuals, {name}, tried"] = hand.manuals(language)[::2]
        written[f"manuals, {name}, kept for the test"] = hand.test_half(hand.manuals(language))
        written[f"single orders, {name}, tried"] = hand.orders("tried", language)
        written[f"single orders, {name}, kept for the test"] = hand.orders("kept", language)
    return found | {
        name: passages_of((str(n), text, "text/plain") for n, text in enumerate(texts))
        for name, texts in written.items()
    }


def alarms(passages: Sequence[IndexedPassage]) -> dict[str, float]:
    """Return the share of passages with an instruction."""
    flagged = sum(bool(find_instructions(passage.text, passage.heading)) for passage in passages)
    return {"passages": len(passages), "flagged": flagged, "share": round(flagged / len(passages), 4)}


def hosts() -> list[str]:
    """Return passages of mails and tables that can contain an attack."""
    texts = ((str(row["id"]), str(row["context"]), "text/plain") for row in rows("bipia/contexts"))
    fitting = [p.text for p in passages_of(texts) if MIN_HOST <= len(p.text) <= MAX_HOST]
    return Random(5).sample(fitting, min(HOSTS, len(fitting)))


def placed(attack: str, host: str) -> Iterator[tuple[str, int]]:
    """Yield documents with the attack on a line of its own: first, in the middle, last; with its offset."""
    lines = host.split("\n")
    for at in (0, len(lines) // 2, len(lines)):
        before = "".join(f"{line}\n" for line in lines[:at])
        yield before + attack + "\n" + "\n".join(lines[at:]), len(before)


def caught(attack: str, found_hosts: Sequence[str]) -> float:
    """Return the share of documents in which the attack is found completely."""
    cases = [case for host in found_hosts for case in placed(attack, host)]
    return sum(_is_covered(document, start, start + len(attack)) for document, start in cases) / len(cases)


def _is_covered(document: str, start: int, end: int) -> bool:
    covered: set[int] = set()
    for span in find_instructions(document):
        covered.update(range(span.start, span.end))
    return all(at in covered for at in range(start, end) if not document[at].isspace())


def recall(groups: dict[str, list[str]]) -> dict[str, dict[str, float]]:
    """Return the number and the recall of each group of attacks."""
    found_hosts = hosts()
    return {
        name: {
            "n": len(texts),
            "recall": round(sum(caught(text, found_hosts) for text in texts) / len(texts), 3),
        }
        for name, texts in groups.items()
    }


def bipia(split: str) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for row in rows("bipia/attacks"):
        if row["split"] == split:
            groups[row["category"]].append(row["attack"])
    return dict(groups)


def purplellama() -> dict[str, float]:
    """Return the share of indirect attacks of half ``b`` with a found instruction, by language."""
    found: dict[str, list[bool]] = defaultdict(list)
    for name in ("prompts_en", "prompts_multilingual"):
        for row in rows(f"purplellama_injection/{name}"):
            if row["type"] == "indirect" and part(row["id"]) == "b":
                found[row["language"]].append(bool(find_instructions(row["user"])))
    return {
        f"{language} ({len(flags)})": round(sum(flags) / len(flags), 3) for language, flags in found.items()
    }


def milliseconds(passages: Sequence[IndexedPassage]) -> dict[str, float]:
    """Return the CPU time of the detector for a passage: mean, and the slowest one in a hundred."""
    times = []
    for passage in passages:
        began = time.process_time()
        find_instructions(passage.text, passage.heading)
        times.append((time.process_time() - began) * 1000)
    times.sort()
    return {"mean_ms": round(sum(times) / len(times), 2), "p99_ms": round(times[len(times) * 99 // 100], 2)}


def embedding_milliseconds(passages: Sequence[IndexedPassage]) -> float:
    """Return the CPU time of the local embedding model for a passage."""
    from septet_native.models.build import DEFAULT
    from septet_native.models.encoder import Encoder
    from septet_native.packages.cache import cache_root

    encoder = Encoder.of(DEFAULT, cache_root())
    texts = [passage.searched_text for passage in passages]
    began = time.process_time()
    for start in range(0, len(texts), 8):
        encoder.run(encoder.tokenize(texts[start : start + 8]))
    return round((time.process_time() - began) * 1000 / len(texts), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedding", action="store_true", help="also measure the local embedding model")
    options = parser.parse_args()
    documents = harmless()
    written = {"english": hand.ATTACKS_EN, "korean": hand.ATTACKS_KO}
    tried = {f"{name}, tried": list(texts[::2]) for name, texts in written.items()}
    kept = {f"{name}, kept for the test": list(hand.test_half(texts)) for name, texts in written.items()}
    timed = [p for name in SETS for p in islice(documents[name], TIMED)]
    body: dict[str, object] = {
        "bipia, families of the test half": recall(bipia("test")),
        "bipia, families of the other half": recall(bipia("train")),
        "by hand": recall(kept | tried),
        "purple llama indirect, half b": purplellama(),
        "alarms": {name: alarms(passages) for name, passages in documents.items() if passages},
        "detector": milliseconds(timed),
    }
    if options.embedding:
        cost = embedding_milliseconds(timed[::8])
        ratio = float(milliseconds(timed[::8])["mean_ms"]) / cost
        body["embedding"] = {"mean_ms": cost, "detector_to_embedding": round(ratio, 3)}
    save("retrieval_rail", body)


if __name__ == "__main__":
    main()
