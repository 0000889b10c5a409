// The page of a person who asks.
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import htm from "htm";
import { ask, cancel } from "./api.js";
import { Turn } from "./answer.js";
import { marked } from "./text.js";

const html = htm.bind(h);
const HANGUL = /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]\s*$/;
const CONVERSATION = "septet.conversation";

function conversationId(isNew = false) {
  if (isNew || !sessionStorage.getItem(CONVERSATION)) sessionStorage.setItem(CONVERSATION, `console-${crypto.randomUUID()}`);
  return sessionStorage.getItem(CONVERSATION);
}

function Viewer({ t, source, close }) {
  const heading = useRef();
  useEffect(() => {
    heading.current.focus();
    heading.current.parentElement.querySelector("mark")?.scrollIntoView({ block: "nearest" });
  }, [source]);
  return html`<aside class="viewer" tabIndex="0" aria-labelledby="source-title" onKeyDown=${(event) => event.key === "Escape" && close()}>
    <h2 id="source-title" tabIndex="-1" ref=${heading}>${source.title || t("untitled")}</h2>
    <p class="quiet">${source.location} ${source.document_id}</p>
    <p class="passage">${marked(source).map((part) => (part.cited ? html`<mark>${part.text}</mark>` : part.text))}</p>
    <button onClick=${close}>${t("close")}</button>
  </aside>`;
}

// Enter sends once. During a composition the text is not complete, so the message is sent when the composition ends.
function Composer({ t, text, setText, running, send, stop, input }) {
  const afterComposition = useRef(false);
  const submit = () => { const value = input.current.value.trim(); if (value && !running) send(value); };
  const keydown = (event) => {
    const isEnter = event.key === "Enter" || event.code === "Enter";
    const isHangul = HANGUL.test(input.current.value);
    if (event.isComposing) afterComposition.current = isEnter && !event.shiftKey && isHangul;
    if (!isEnter || event.shiftKey || event.isComposing) return;
    // Safari reports the Enter that has ended a composition with this code.
    if (event.keyCode === 229 && !isHangul) return;
    event.preventDefault();
    if (!event.repeat) submit();
  };
  const ended = () => {
    if (!afterComposition.current) return;
    afterComposition.current = false;
    setTimeout(submit);
  };
  return html`<form class="composer" onSubmit=${(event) => { event.preventDefault(); submit(); }}>
    <label for="question">${t("question")}</label>
    <textarea id="question" rows="2" ref=${input} value=${text} aria-describedby="caution" onInput=${(event) => setText(event.currentTarget.value)}
      onKeyDown=${keydown} onCompositionEnd=${ended}></textarea>
    <p class="quiet" id="caution">${t("caution")}</p>
    ${running ? html`<button type="button" class="main" onClick=${stop}>${t("stop")}</button>` : html`<button class="main">${t("send")}</button>`}
  </form>`;
}

export function Ask({ t, session, onSessionEnd }) {
  const [turns, setTurns] = useState([]);
  const [text, setText] = useState("");
  const [view, setView] = useState(null);
  const [running, setRunning] = useState(null);
  const [status, setStatus] = useState("");
  const input = useRef();
  const may = (scope) => session.scopes.includes(scope);
  const change = (id, fields) => setTurns((all) => all.map((turn) => (turn.id === id ? { ...turn, ...fields } : turn)));
  useEffect(() => {
    const focus = (event) => {
      if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);
  const send = async (question, cache) => {
    const id = `console-${crypto.randomUUID()}`;
    const abort = new AbortController();
    setTurns((all) => [...all, { id, question, text: "" }]);
    setText("");
    setRunning({ id, abort });
    setStatus(t("answering"));
    try {
      const done = await ask({ id, question, conversation: conversationId(), cache, signal: abort.signal, onText: (part) => !abort.signal.aborted && change(id, { text: part }) });
      if (abort.signal.aborted) return;
      change(id, done);
      setStatus(t("done"));
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.kind === "e_session") { onSessionEnd(); return; }
      change(id, { error: { kind: error.kind ?? "e_other", id: error.id ?? id } });
      setStatus("");
    }
    setRunning(null);
  };
  const stop = () => {
    running.abort.abort();
    cancel(running.id).catch(() => {});
    change(running.id, { stopped: true });
    setStatus(t("stopped"));
    setRunning(null);
  };
  const close = () => { view.opener.focus(); setView(null); };
  if (!may("ask")) return html`<main><p role="alert">${t("no_ask")}</p></main>`;
  return html`<main>
    <div class=${view ? "with-viewer" : ""}>
      <section aria-label=${t("conversation")}>
        ${turns.length === 0 && html`<h2>${t("empty_title")}</h2><p>${t("empty_about", { tenant: session.tenant })}</p>`}
        ${turns.map((turn) => html`<${Turn} key=${turn.id} ...${{ t, turn, may }} open=${(source, opener) => setView({ source, opener })}
          again=${(old) => !running && send(old.question, { use: "bypass" })} rephrase=${(old) => { setText(old.question); input.current.focus(); }} />`)}
        ${turns.length > 0 && !running && html`<button onClick=${() => { conversationId(true); setTurns([]); setView(null); input.current.focus(); }}>${t("new_conversation")}</button>`}
      </section>
      ${view && html`<${Viewer} t=${t} source=${view.source} close=${close} />`}
    </div>
    <p class="hidden" role="status">${status}</p>
    <${Composer} ...${{ t, text, setText, running, stop, input }} send=${(question) => send(question)} />
  </main>`;
}
