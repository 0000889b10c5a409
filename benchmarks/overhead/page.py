"""``python -m benchmarks.overhead.page`` writes docs/benchmarks.md and its picture from ``results.json``."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from septet_kit.models import REMEMBERED

from benchmarks.overhead import tables
from benchmarks.overhead.change import change
from benchmarks.overhead.chart import Bars, svg
from benchmarks.overhead.contender import HOPS
from benchmarks.overhead.loops import HELD_P99_S
from benchmarks.overhead.ratios import BUS, FULL, HIT, RAW, goals

ROOT = Path(__file__).parents[2]
RESULT, BEFORE = (Path(__file__).parent / name for name in ("results.json", "before.json"))
PAGE, PICTURE = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.svg"

HEAD = """# Benchmarks: overhead

This page shows what Septet costs compared with raw Kafka clients, and with other ways to do the same work.
`python -m benchmarks.overhead.page` writes it from the [result](../benchmarks/overhead/results.json) of `make bench`;
do not edit it.

![Latency of the chains and throughput of the paths](benchmarks.svg)
"""

METHOD = """## How it is measured

All contenders run on one machine at the same time and are measured **in turns**. In each round every contender runs the
same phase before the next phase begins. Each round starts with another contender, and every second round runs in reverse
order. Ratios are computed within a round, so that conditions of the machine that affect all contenders cancel out. The
tables give their median and range. The stub model answers at once.

The load is an open loop: requests are sent on schedule, however slow the responses are. One phase is a closed loop with a
fixed number in flight; its rate includes the end of the phase, when fewer are in flight. A client in one process measures
from before its publish or call until it has the response. A 99th percentile is shown for phases with 50 responses or more.

- **raw** is the limit: five processes with raw aiokafka clients that pass records on. It has Septet's hops, the
  partitions of its topics, and the mean size of its records on each of them. Producers use `acks=all` and idempotence.
  Offsets are committed asynchronously, as often as in Septet, up to the lowest record that is not acknowledged. Sends do
  not wait for one another. Guardrails has two hops in one process, and raw does the same: a sixth process would only make
  the limit slower.
- **septet, bus only**: requests without retrieval and cache, under a policy without rails. This measures the hops,
  contracts, tracing, ledger, release, outbox and commits, the call of the stub model, and eval's scorers.
- **septet**: the default path after a cache miss: hybrid retrieval, every default rail, the model, the scorers.
- **septet, cache hit**: questions whose answers are in the cache, asked again word for word.
- **haystack**, **llamaindex**: the same work behind HTTP, [step by step](../benchmarks/peers/README.md).

The corpus is the demo's. Except for hits, no question is asked twice within thousands, because services and peers cache
embeddings. For the same reason each process that runs the whole path has handled {warm_path} requests before the first round.
Eval skips the embedding of an answer after 150 ms, and under load that would save Septet work that the peers do. Here all
contenders have 5 s for it, and the table of failures shows what was skipped all the same.

The highest rate held is the highest rate at which the 99th percentile stays below a second, nothing fails and the client
keeps its schedule (it uses the same cores). The search takes steps of ×1.3, then bisects between the highest rate held and
the lowest rate lost. A step is {step:g} s long, so a rate a little above the sustainable one can pass. {lost_to_client}

Tracing is on, and the trace receiver runs on the same cores. CPU times include child processes, such as PostgreSQL's
backends, and what a process uses when it is idle. The broker with all clients connected uses {kafka_idle:.0f} ms a second,
and this is also counted for the HTTP peers. Bytes per request come from one probe of 60 requests before the rounds.
"""

LOST_TO_CLIENT = """In {lost} of
{rounds} rounds the raw chain's search met a rate that was lost only because the client did not keep its schedule. Its rate
is then a lower bound, which makes the ratio of the rates too high rather than too low."""

ADDS_UP = """## Path = bus + work

From the traces of {requests} requests of the whole path, a few a second. Each hop has three parts:

- *transit*: from the start of `send` to the start of `process` in the next service (for the first hop, from the client's
  call);
- *work*: search, embeddings, model call, cache lookup; the rails by the latency in each verdict; the scorers and their
  embedding;
- *chassis*: the rest until the service's own `send` (contract, ledger, release, outbox, encoding).

The delivery to the client is taken as the time that the broker needs to accept the response.

Summed over the hops this is {bus:.1f} ms of bus (transit and chassis) and {work:.1f} ms of work, {share:.0%} of the
{measured:.1f} ms that the client measured. On requests without work the bus takes {alone:.1f} ms. On the whole path it
takes {heavier:.2f} times as long, because the records carry passages and a vector, and because some drafts are revised. The hops
follow each other without a gap. So the time that is not found ({rest:.1f} ms there, {rest_alone:.1f} ms without work) is
after them: in the broker's answer to the client's fetch, which may wait for a core, and in the client itself.
"""

MISSED = """## The goals that are missed, and what would have to change

{missed}

- *Latency.* A hop of the raw chain takes {raw_hop:.1f} ms, nearly all of it in the broker and two Kafka clients in Python.
  A hop of Septet takes {transit:.1f} ms of transit: the same, plus decoding and validating the event, on caches that five
  other processes have just used. Generation's ledger and eval's release, with their spans and encoding, take
  {guarantees:.1f} ms of chassis, and the other four hops {others:.1f}. The stub model and the scorers take {work:.1f} ms of
  work. Fewer processes per core, several hops in one process, or a compiled runtime would shorten it.
- *Rate.* Both chains have the same producer, which sends concurrent records as one batch. A raw relay hands it a record and
  waits for nothing. Septet handles nine records per request (six hops, eval's registration, and the response in the cache
  and in feedback). It decodes and validates each, and makes a span for each. It produces six records and makes eight round
  trips to PostgreSQL. That is {limit:.1f} ms of CPU per request at the highest rate held ({limit_services:.1f} in the six
  services, {limit_kafka:.1f} in the broker), against {raw_limit:.2f} of the raw chain. Half of the raw chain's rate leaves
  {leaves:.1f} ms on these cores for all of that. Handling records in batches, with one span and one statement per poll, or a
  compiled runtime would be needed.
- *Cache hit.* A hit passes three of the hops. These and the delivery take {hit_bus:.1f} ms of bus; rails, lookup and scorers
  take {hit_work:.1f} ms of work, and the client takes the rest of {hit:.1f}. A third of a miss at 10/s is {third:.1f} ms. The
  cheaper a miss is, the smaller is the advantage of a hit, whose bus is nearly half of a miss's.
  With {busy} in flight, where a miss's work waits for cores, a hit takes {hit_busy:.2f} of a miss.
"""

PEERS = """## What the comparison with the peers depends on

With {busy} in flight the same cores limit all contenders. Septet's services use less CPU per response than the peers'
processes. Its servers use more: Kafka, PostgreSQL and more spans, for guarantees that the peers do not give, and the
embeddings ({embeddings}).

The amount of embedding depends on the corpus. Answerability compares the best sentences of the passages, and each process
caches the {remembered} texts that were used last. On the demo's corpus only questions and answers then need an embedding. A
corpus whose sentences do not fit into the cache costs all contenders more; how much is not measured here. Commit `b02ccd9`
cached half as many texts, dropped the oldest first, was warmed by 400 requests a process and let eval skip embeddings.
There they took 22.4 ms for septet, 19.2 for haystack and 18.4 for llamaindex, and Septet's rate was 1.12 of haystack's and
0.988 of llamaindex's.

A 99th percentile with {busy} in flight comes from some 200 responses, and its ratios differ much between rounds. The medians
in the paths' table are taken over rounds first, so they may differ from the median of the ratios. Septet is also measured
at several rates after all others, so in the last rounds it meets questions again, and eval has their answers cached. While a
peer is measured, Septet's idle services use {idle_own:.0f} ms a second; while Septet is measured, the peers use
{idle_peers:.0f}.
"""

CHANGE = """## Before and after

Commit `{before}` is the code before the hot path was optimised (the `+` is this benchmark). Its profiles (py-spy, cProfile,
and the spans above) named the costs that [decision 0023](decisions/0023-a-thin-hot-path.md) removes: packages that make a
checked object of each part of a model's answer, retry machinery around first tries, context managers around spans, four
round trips for a release, a flush for each write of the ledger, garbage collections of a heap that never changes, and a
trace receiver that decoded spans that nobody read.

Both were measured on the same machine, the earlier commit without peers, in {rounds} rounds (load average {load} before
them) and without a warm-up of the whole path, which made its first round slower. A ratio is computed within one run.
Milliseconds are compared across two runs; raw's milliseconds show how much the machine itself differed.

{table}
"""

RUN = """## Run it

```sh
make bench                     # all of it, about 28 minutes on two cores
make bench JSON=mine.json      # also write the result
make bench QUICK=1             # one short round: checks the tool, gives no result
```

Run it on a machine that does nothing else. The result contains the load average before the run.
"""


def page(result: dict[str, Any], before: dict[str, Any]) -> str:
    """The page's text; *before* is a result of the code whose profiles the hot path was made from."""
    machine, plan = result["machine"], result["plan"]
    measured = (
        f"Measured {result['measured_at'][:10]} at commit `{result['commit']}` on {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, Python {machine['python']}, load average {machine['load_average_before']} before "
        f"the run; rounds: {plan['rounds']}; {result['septet']['documents']} documents."
    )
    sections = [
        HEAD,
        measured,
        "",
        *_sections(result),
        _adds_up(result["septet"]),
        _slowest(result["septet"]),
        _method(result),
    ]
    return "\n".join(
        [*sections, *_notes(result), _peers(result), _changed(before, result), _missed(result), RUN]
    )


def _sections(result: dict[str, Any]) -> list[str]:
    return [
        part for table in tables.tables(result) for part in (f"## {table.title}", "", table.markdown(), "")
    ]


def _adds_up(found: dict[str, Any]) -> str:
    inside, alone = found[FULL]["inside"], found[BUS]["inside"]
    return ADDS_UP.format(
        requests=inside["requests"], bus=inside["bus_ms"], work=inside["work_ms"], share=inside["accounted"],
        measured=inside["measured_ms"], alone=alone["bus_ms"], heavier=inside["bus_ms"] / alone["bus_ms"],
        rest=_not_found(inside), rest_alone=_not_found(alone),
    )  # fmt: skip


def _not_found(inside: dict[str, Any]) -> float:
    return float(inside["measured_ms"] - inside["bus_ms"] - inside["work_ms"])


def _changed(before: dict[str, Any], after: dict[str, Any]) -> str:
    rounds, load = before["plan"]["rounds"], before["machine"]["load_average_before"]
    return CHANGE.format(
        before=before["commit"], rounds=rounds, load=load, table=change(before, after).markdown()
    )


def _method(result: dict[str, Any]) -> str:
    plan, idle = result["plan"], result["septet"]["idle_cpu_ms_per_s"]
    raw = [run["highest_rate"]["steps"] for run in result["contenders"][RAW]["runs"]]
    lost = sum(
        any(not s["held"] and not s["failures"] and s["p99_ms"] <= HELD_P99_S * 1000 for s in steps)
        for steps in raw
    )
    return METHOD.format(
        warm_path=plan["warm_path"], step=plan["step"], kafka_idle=idle["kafka"],
        lost_to_client=LOST_TO_CLIENT.format(lost=lost, rounds=len(raw)) if lost else "",
    )  # fmt: skip


def _missed(result: dict[str, Any]) -> str:
    missed = [
        f"`{goal.ratio}` is {result['ratios'][goal.ratio]:.3g} (goal {goal})"
        for goal in goals(result["contenders"])
        if not goal.met(result["ratios"][goal.ratio])
    ]
    inside = result["septet"][BUS]["inside"]
    raw = [run["rates"]["10"]["p50_ms"] for run in result["contenders"]["raw"]["runs"]]
    hops, limit = inside["hops"].values(), tables.limit_costs(result)
    raw_rate = statistics.median(run["highest_rate"]["held"] for run in result["contenders"]["raw"]["runs"])
    chassis = {n: h["chassis_ms"] for n, h in inside["hops"].items()}
    guarantees = sum(ms for name, ms in chassis.items() if name.startswith(("generation", "eval")))
    hit = result["septet"][HIT]["inside"]
    miss = statistics.median(run["rates"]["10"]["p50_ms"] for run in result["contenders"][FULL]["runs"])
    return MISSED.format(
        hit_bus=hit["bus_ms"], hit_work=hit["work_ms"], hit=hit["measured_ms"], third=miss / 3,
        busy=result["plan"]["in_flight"], hit_busy=result["ratios"]["hit_p50_at_50_vs_miss"],
        missed=f"{'; '.join(missed)}.", guarantees=guarantees, others=sum(chassis.values()) - guarantees,
        limit=sum(limit[BUS].values()), raw_limit=sum(limit[RAW].values()), limit_kafka=limit[BUS]["kafka"],
        limit_services=tables.own_and_servers(limit[BUS])[0],
        leaves=2000 * result["machine"]["cores"] / raw_rate,
        raw_hop=statistics.median(raw) / (HOPS + 1), transit=statistics.mean(h["transit_ms"] for h in hops),
        work=inside["work_ms"],
    )  # fmt: skip


def _peers(result: dict[str, Any]) -> str:
    spent = {
        name: statistics.median(run["concurrent"]["cpu_ms"]["embeddings"] for run in found["runs"])
        for name, found in result["contenders"].items()
        if found["kind"] == "full"
    }
    embeddings = ", ".join(f"{ms:.1f} ms for {name}" for name, ms in spent.items())
    idle = result["septet"]["idle_cpu_ms_per_s"]
    idle_of = {n: sum(ms for process, ms in idle.items() if process.startswith(f"{n}: ")) for n in spent}
    return PEERS.format(
        busy=result["plan"]["in_flight"], embeddings=embeddings, remembered=REMEMBERED,
        idle_own=idle_of.pop(FULL), idle_peers=sum(idle_of.values()),
    )  # fmt: skip


def _slowest(found: dict[str, Any]) -> str:
    one = found["slowest"]
    rails = tables.Table("", ["rail or scorer", "mean ms"], [
        [name, f"{took:.2f}"]
        for kind in ("rails_ms", "scorers_ms")
        for name, took in sorted(found[kind].items(), key=lambda item: -item[1])
        if took >= tables.SHOWN_MS
    ])  # fmt: skip
    return (
        f"The slowest is the {one['kind']} `{one['name']}` with {one['mean_ms']:.2f} ms. Scorers were run once more, alone, "
        f"on outcomes read from the log; those below {tables.SHOWN_MS:g} ms are left out.\n\n{rails.markdown()}\n"
    )


def _notes(result: dict[str, Any]) -> list[str]:
    notes = [f"- **{n}**: {c['note']}" for n, c in result["contenders"].items() if c["note"]]
    left = [f"- **{name}** was left out: {why}" for name, why in result["left_out"].items()]
    return ["## What the others do not promise", "", *notes, *left, ""]


def picture(result: dict[str, Any]) -> str:
    """Two groups of bars: latency of the chains, throughput of the paths."""

    def median(kinds: tuple[str, ...], read: Any) -> list[tuple[str, float]]:
        found = {
            n: [read(run) for run in c["runs"]] for n, c in result["contenders"].items() if c["kind"] in kinds
        }
        return [
            (n, statistics.median(known))
            for n, v in found.items()
            if (known := [x for x in v if x is not None])
        ]

    def at_ten(run: dict[str, Any]) -> float | None:
        sample = run["rates"].get("10")
        return None if sample is None else float(sample["p50_ms"])

    busy = result["plan"]["in_flight"]
    return svg(
        [
            Bars(
                "Chains without work: p50 at 10 requests/s, ms (shorter is better)", median(("bus",), at_ten)
            ),
            Bars(
                f"Whole path: responses/s with {busy} in flight (longer is better)",
                median(("full", "hit"), lambda run: float(run["concurrent"]["rate"])),
            ),
        ]
    )


def main() -> None:
    """Write page and picture."""
    result, before = (json.loads(path.read_text("utf-8")) for path in (RESULT, BEFORE))
    PAGE.write_text(page(result, before), "utf-8")
    PICTURE.write_text(picture(result), "utf-8")
    print(f"wrote {PAGE.name} and {PICTURE.name}")


if __name__ == "__main__":
    main()
