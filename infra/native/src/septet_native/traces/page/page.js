import { latest, read, search, services } from "./api.js";
import { language, t } from "./strings.js";
import { duration, extent, hasError, requestId, rows, summary } from "./tree.js";

const COLOURS = 8;
const main = document.getElementById("main");
const query = new URLSearchParams(location.search);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "style") Object.assign(node.style, value);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

const colours = new Map();
function colour(service) {
  if (!colours.has(service)) colours.set(service, colours.size % COLOURS);
  return `c${colours.get(service)}`;
}
const chip = (service, text = service) => el("span", { class: `chip ${colour(service)}` }, text);
const time = (us) => new Date(us / 1000).toLocaleString(language, { dateStyle: "medium", timeStyle: "medium" });
const show = (...nodes) => main.replaceChildren(...nodes);

// ---- the list -----------------------------------------------------------------------------------

function listItem(trace, longest) {
  const s = summary(trace);
  const root = trace.processes[s.root.processID].serviceName;
  return el("li", {},
    el("a", { class: "card", href: `/trace/${s.id}` },
      el("span", { class: "line" },
        el("strong", {}, s.root.operationName), el("span", { class: "length" }, duration(s.length))),
      el("span", { class: "track" },
        el("span", { class: `bar ${colour(root)}`, style: { width: `${(100 * s.length) / longest}%` } })),
      el("span", { class: "line muted" },
        el("span", { class: "chips" },
          s.errors ? el("span", { class: "error" }, `⚠ ${t.errors(s.errors)}`) : "",
          ...[...s.services].map(([name, n]) => chip(name, `${name} ${n}`))),
        el("span", {}, `${t.spans(s.spans)} · ${time(s.start)} · `, el("code", {}, s.id.slice(0, 8))))));
}

async function list() {
  const q = (query.get("q") || "").trim();
  const service = query.get("service") || "";
  let traces;
  if (q) {
    traces = await search(q);
    if (traces.length === 1) return location.replace(`/trace/${traces[0].traceID}`);
  } else {
    traces = await latest(service);
  }
  const title = el("h1", {}, q ? t.found(traces.length) : t.latest);
  if (!traces.length) return show(title, el("p", { role: "status" }, q ? t.notFound(q) : t.none));
  const longest = Math.max(...traces.map((trace) => extent(trace.spans).length));
  show(title, el("ol", { class: "traces" }, ...traces.map((trace) => listItem(trace, longest))));
}

// ---- one trace ----------------------------------------------------------------------------------

function table(caption, tags) {
  if (!tags.length) return "";
  const body = tags.map((tag) => el("tr", {}, el("th", { scope: "row" }, tag.key), el("td", {}, String(tag.value))));
  return el("table", {}, el("caption", {}, caption), el("tbody", {}, ...body));
}

function details(span, process, start) {
  const events = span.logs.map((log) => {
    const name = (log.fields.find((f) => f.key === "event") || {}).value || "event";
    return table(`${t.events}: ${name} (+${duration(log.timestamp - start)})`, log.fields.filter((f) => f.key !== "event"))
      || el("p", {}, `${t.events}: ${name} (+${duration(log.timestamp - start)})`);
  });
  const links = span.references.filter((r) => r.refType !== "CHILD_OF");
  return [
    el("p", { class: "muted" }, `${t.startsAt} +${duration(span.startTime - start)} · ${t.duration} ${duration(span.duration)} · ${t.span} `,
      el("code", {}, span.spanID)),
    table(t.attributes, span.tags), ...events, table(t.resource, process.tags),
    links.length ? el("p", {}, `${t.links}: `, ...links.map((l) => el("a", { href: `/trace/${l.traceID}` }, l.traceID.slice(0, 12), " "))) : "",
  ];
}

// The label is beside the bar, or inside a bar that fills the track.
function lengthPlace(left, width) {
  if (width > 60) return { right: `${Math.max(0, 100 - left - width)}%` };
  return left + width > 75 ? { right: `${100 - left}%` } : { left: `${left + width}%` };
}

function rowOf({ span, depth, orphan }, trace, { start, length }) {
  const process = trace.processes[span.processID];
  const service = process.serviceName;
  const left = (100 * (span.startTime - start)) / length;
  const width = (100 * span.duration) / length;
  const panel = el("div", { class: "details", id: `d-${span.spanID}`, hidden: true });
  const toggle = (open) => {
    if (open && !panel.hasChildNodes()) panel.append(...details(span, process, start).filter(Boolean));
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  const failed = hasError(span);
  const label = `${service}: ${span.operationName}, +${duration(span.startTime - start)}, ${duration(span.duration)}`
    + (failed ? `, ${t.error}` : "") + (orphan ? `, ${t.orphan}` : "");
  const button = el("button", {
    type: "button", class: "row", "aria-expanded": "false", "aria-controls": panel.id, "aria-label": label,
    onclick: () => toggle(panel.hidden),
  },
    el("span", { class: "name", style: { paddingInlineStart: `calc(${Math.min(depth, 12)} * var(--indent))` } },
      chip(service), failed ? el("span", { class: "error" }, "⚠ ") : "",
      orphan ? el("span", { class: "error", title: t.orphan }, "⤺ ") : "", span.operationName),
    el("span", { class: "track" },
      el("span", { class: `bar ${colour(service)}${failed ? " failed" : ""}`, style: { left: `${left}%`, width: `${width}%` } }),
      el("span", { class: `length${width > 60 ? " inside" : ""}`, style: lengthPlace(left, width) }, duration(span.duration))));
  return { node: el("li", {}, button, panel), toggle };
}

function ruler(length) {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) =>
    el("span", { style: { left: `${100 * part}%` } }, duration(part * length)));
  return el("div", { class: "ruler", "aria-hidden": "true" }, el("span", {}), el("span", { class: "ticks" }, ...ticks));
}

function fact(name, value) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}

function copyable(text) {
  const button = el("button", {
    type: "button", class: "small",
    onclick: async () => { await navigator.clipboard.writeText(text); button.textContent = t.copied; },
  }, t.copy);
  return el("span", {}, el("code", {}, text), " ", button);
}

async function one(id) {
  const [trace] = await read(`/api/traces/${id}`);
  const span = extent(trace.spans);
  const s = summary(trace);
  const request = requestId(trace.spans);
  const built = rows(trace.spans).map((row) => rowOf(row, trace, span));
  const all = (open) => built.forEach((row) => row.toggle(open));
  document.title = `${s.root.operationName} · ${duration(s.length)} · Septet`;
  show(
    el("h1", {}, s.root.operationName),
    el("dl", { class: "facts" },
      fact(t.duration, duration(s.length)), fact(t.started, time(s.start)),
      fact(t.services, el("span", { class: "chips" }, ...[...s.services].map(([name, n]) => chip(name, `${name} ${n}`)))),
      s.errors ? fact(t.errorsTitle, el("span", { class: "error" }, `⚠ ${t.errors(s.errors)}`)) : "",
      request ? fact(t.request, copyable(request)) : "", fact(t.trace, copyable(id))),
    el("p", { class: "tools" },
      el("button", { type: "button", class: "small", onclick: () => all(true) }, t.expandAll), " ",
      el("button", { type: "button", class: "small", onclick: () => all(false) }, t.collapseAll), " ",
      el("button", { type: "button", class: "small", onclick: () => one(id) }, t.refresh)),
    ruler(s.length), el("ol", { class: "waterfall", "aria-label": t.timeline }, ...built.map((row) => row.node)));
}

// ---- start --------------------------------------------------------------------------------------

async function header() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t[node.dataset.text];
  const input = document.getElementById("q");
  input.value = query.get("q") || "";
  input.placeholder = t.searchLabel;
  const names = await services();
  const wanted = query.get("service") || "";
  document.getElementById("service").append(
    el("option", { value: "" }, t.allServices),
    ...names.map((name) => el("option", { value: name, selected: name === wanted }, name)));
}

async function start() {
  const match = location.pathname.match(/^\/trace\/([0-9a-fA-F]{32})$/);
  try {
    await header();
    await (match ? one(match[1].toLowerCase()) : list());
  } catch (error) {
    show(el("h1", {}, t.traces), el("p", { role: "alert", class: "error" }, t.failed(error.message)),
      el("p", {}, el("a", { href: "/" }, t.back)));
  }
}

start();
