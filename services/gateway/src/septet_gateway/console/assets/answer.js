// One turn: the question, the answer with its chips, badges and actions.
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import htm from "htm";
import { feedback } from "./api.js";
import { render } from "./text.js";

const html = htm.bind(h);

function badges(turn) {
  const { details } = turn;
  if (turn.stopped) return ["cancelled"];
  if (!details) return [];
  const { status, answer_kind, cache, verdicts, degraded } = details;
  const found = [];
  if (status === "answered") found.push(cache?.status?.startsWith("hit") ? "cached" : /quote|extract/.test(answer_kind ?? "") ? "quoted" : "generated", verdicts?.length ? "checked" : "unchecked");
  else found.push(status);
  if (degraded?.length) found.push("degraded");
  return found.filter((name) => ["cached", "quoted", "generated", "checked", "unchecked", "abstained", "blocked", "refused", "degraded"].includes(name));
}

function Why({ t, details }) {
  const notable = (details.verdicts ?? []).filter((verdict) => verdict.decision !== "pass");
  return html`<details><summary>${t("why")}</summary><ul>
    ${details.cache?.matched_question && html`<li>${t("w_cached", { question: details.cache.matched_question })}</li>`}
    ${notable.map((verdict) => html`<li>${t("w_verdict", verdict)} ${verdict.reason}</li>`)}
    ${notable.length === 0 && html`<li>${t("w_none")}</li>`}
  </ul></details>`;
}

function Text({ t, turn, open }) {
  const place = useRef();
  useEffect(() => {
    const sources = new Map((turn.details?.sources ?? []).map((source) => [source.number, source]));
    const chip = (n) => {
      const button = document.createElement("button");
      button.className = "chip";
      button.textContent = n;
      button.setAttribute("aria-label", t("source_n", { n, title: sources.get(n).title || t("untitled") }));
      button.addEventListener("click", () => open(sources.get(n), button));
      return button;
    };
    place.current.replaceChildren(render(turn.text, sources, chip));
  }, [turn.text, turn.details, t]);
  return html`<div class="answer" ref=${place}></div>`;
}

function Sources({ t, details, open }) {
  const groups = [["sources", true], ["also", false]].map(([key, cited]) => [key, (details.sources ?? []).filter((s) => s.cited === cited)]);
  return groups.filter(([, list]) => list.length).map(([key, list]) => html`<p class="quiet">${t(key)}${" "}
    ${list.map((source) => html`<button class="chip" onClick=${(event) => open(source, event.currentTarget)}>
      ${source.number} ${source.title || t("untitled")}</button>`)}</p>`);
}

export function Turn({ t, turn, open, again, rephrase, may }) {
  const [hidden, hide] = useState(false);
  const [thumb, setThumb] = useState(null);
  const [note, setNote] = useState("");
  const send = async (body, done) => {
    if (!may("feedback")) return;
    try {
      await feedback({ request_id: turn.id, ...body });
      if (done) setNote(t("saved"));
    } catch {
      if (done) { setThumb(null); setNote(t("feedback_failed")); }
    }
  };
  const press = (value) => { setThumb(value); setNote(""); send({ kind: "thumbs", value }, true); };
  const copy = async () => { await navigator.clipboard.writeText(turn.text); setNote(t("copied")); send({ kind: "copied" }); };
  const dismiss = () => { if (!hidden) send({ kind: "dismissed" }); hide(!hidden); };
  const complete = turn.details || turn.stopped || turn.error;
  return html`<article class="turn" aria-busy=${!complete}>
    <h2 class="hidden">${t("you")}</h2><div class="question">${turn.question}</div>
    ${!hidden && html`<${Text} ...${{ t, turn, open }} />`}
    ${turn.error && html`<p class="error" role="alert">${t(turn.error.kind, { id: turn.error.id })}</p>`}
    <div class="badges">${badges(turn).map((name) => html`<span class="badge">${t(`b_${name}`)}</span>`)}
      ${turn.details && html`<${Why} t=${t} details=${turn.details} />`}</div>
    ${turn.details && !hidden && html`<${Sources} ...${{ t, details: turn.details, open }} />`}
    ${complete && html`<div class="actions">
      ${turn.text && html`<button onClick=${copy}>${t("copy")}</button>`}
      <button onClick=${() => { if (turn.details) send({ kind: "regenerated" }); again(turn); }}>${t("again")}</button>
      ${turn.details?.status === "abstained" && html`<button onClick=${() => rephrase(turn)}>${t("rephrase")}</button>`}
      ${turn.details && html`<button onClick=${dismiss}>${t(hidden ? "show" : "dismiss")}</button>`}
      ${turn.details && may("feedback") && ["up", "down"].map((value) => html`<button aria-pressed=${thumb === value}
        onClick=${() => press(value)}>${t(value === "up" ? "useful" : "not_useful")}</button>`)}
      <span role="status" class="quiet">${note}</span></div>`}
  </article>`;
}
