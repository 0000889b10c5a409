"""Writes docs/reference/metrics.md from the registry of metrics: ``python docs/generate/metrics_page.py [--check]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from septet_experiments.metrics import METRICS, Definition

PAGE = Path(__file__).parents[1] / "reference" / "metrics.md"

HEAD = """# Metrics

`python docs/generate/metrics_page.py` writes this page from the registry; do not edit it.

A suite names its metrics in `suite.yaml`. Each gives a number for one response.

- A metric applies to the cases that state what it needs: `exact_match` to cases with `references`, `over_refusal` to cases with
  `expected: answer`. Other cases count neither as values nor as errors. The response does not decide whether a metric applies.
- A metric that applies has a finite value, or a reason why it has none. The reason is counted as an error of that metric. It is
  neither NaN nor 0.
- A request that failed, expired or was cancelled has no value of any metric.
- A reply that declines (`abstained`, `refused`, `blocked`) counts as an empty answer where texts are compared and in multiple
  choice, as in SQuAD 2.0. So a candidate cannot improve such a metric by declining.
- With several references the best one counts. Citation markers are removed from the answer. Of a JSON answer the values are compared.
- A context-dependent metric reads the question or the passages. A context-free one reads the output alone, or compares it with
  what the case states as correct (Sai et al. 2022).
- Each run stores the signature of its metrics: parameters, and the versions of the library and of the definition. Values with
  different signatures are not comparable.

`up` means that a higher value is better. `needs` lists fields of the case, then of the response. `k` of `name@k` is 10 unless the suite sets it, as in `ndcg@5`.
"""

AGGREGATES = """
## Numbers of a whole run

These are no means of values. They are made of the responses for which the parts are known, and have no value if there are
none.
"""

TAIL = """
## Korean

| metric | unit |
| --- | --- |
| `exact_match` | the text without punctuation; spaces count |
| `token_f1` | characters without spaces, as in KorQuAD 1.0, if a tenth of the reference's letters are Hangul |
| `bleu` | characters (sacrebleu's tokenizer `char`), by the same rule for the references together; else `13a` |
| `rouge1`, `rouge2`, `rouge_l` | each Hangul syllable; Latin words and numbers as in rouge-score, without stemming |
| `bertscore`, `moverscore` | tokens of the model |
| `multiple_choice` | `정답: ②`, `답은 2번입니다`, `B가 정답입니다`, and the text of an option with any particle |

Particles and endings belong to the words of Korean, so that words rarely equal each other. sacrebleu's own Korean tokenizer
needs a dictionary of MeCab, which is not installed.
The choice is recorded as [decision 0060](../decisions/0060-metrics-have-a-value-or-a-reason.md).

## BERTScore and MoverScore

They run on the token vectors of the embedding model, because the models of the papers are in no package. Their values are not
comparable with published ones. The signature names model and layer
([decision 0061](../decisions/0061-token-vectors-of-the-embedding-model.md)). `idf` weighs tokens by how few of the suite's
references contain them. MoverScore compares at most 300 tokens.

How metrics agree with people, by data set and dimension: `benchmarks/evals/correlations.py`, with its
[results](../../benchmarks/evals/results/correlations.json).
"""


def page() -> str:
    """The text of the page."""
    return "\n".join([HEAD, *_metrics(), AGGREGATES, *_aggregates(), TAIL])


def _metrics() -> Iterator[str]:
    yield _line("name", "measures", "range", "better", "context", "needs", "source")
    yield _line(*["---"] * 7)
    for one in METRICS.values():
        better = "up" if one.higher_is_better else "down"
        context = one.context.removeprefix("context-")
        yield _line(_name(one), one.measures, one.value_range, better, context, one.needs, one.source)


def _name(one: Definition) -> str:
    return f"`{one.name}`" if one.cutoff is None else f"`{one.name}@k`"


def _aggregates() -> Iterator[str]:
    yield _line("name", "value")
    yield _line("---", "---")
    for one in METRICS.values():
        for name, description in one.aggregates.items():
            yield _line(f"`{one.name}.{name}`", description)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page; with ``--check``, compare it and return 1 if it differs."""
    parser = argparse.ArgumentParser(prog="python docs/generate/metrics_page.py", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page differs")
    if not parser.parse_args(arguments).check:
        PAGE.write_text(page(), "utf-8")
        print(f"wrote {PAGE}")
        return 0
    if PAGE.read_text("utf-8") == page():
        return 0
    print("metrics.md differs: run `python docs/generate/metrics_page.py` and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
