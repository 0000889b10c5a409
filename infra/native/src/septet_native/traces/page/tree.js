// Conversion of a trace of the query API to rows, without access to the document.

/** Formats microseconds: 850 µs, 12.3 ms, 1.24 s. */
export function duration(us) {
  if (us >= 1e6) return `${(us / 1e6).toFixed(2)} s`;
  if (us >= 1e3) return `${(us / 1e3).toFixed(us >= 1e5 ? 0 : 1)} ms`;
  return `${Math.round(us)} µs`;
}

export const hasError = (span) => span.tags.some((tag) => tag.key === "error" && String(tag.value) === "true");

/** Start and length of a trace in microseconds. */
export function extent(spans) {
  const start = Math.min(...spans.map((s) => s.startTime));
  const end = Math.max(...spans.map((s) => s.startTime + s.duration));
  return { start, length: Math.max(1, end - start) };
}

function parentOf(span) {
  const own = span.references.filter((r) => r.traceID === span.traceID);
  return (own.find((r) => r.refType === "CHILD_OF") || {}).spanID || "";
}

/**
 * Spans depth first, children by start.
 * @returns {{span: object, depth: number, orphan: boolean}[]} the parent of an orphan is missing
 */
export function rows(spans) {
  const known = new Set(spans.map((s) => s.spanID));
  const children = new Map();
  const roots = [];
  for (const span of spans) {
    const parent = parentOf(span);
    if (parent && known.has(parent)) children.set(parent, [...(children.get(parent) || []), span]);
    else roots.push({ span, depth: 0, orphan: Boolean(parent) });
  }
  const byStart = (a, b) => a.startTime - b.startTime;
  const stack = roots.sort((a, b) => byStart(b.span, a.span));
  const result = [];
  const seen = new Set();
  while (stack.length) {
    const row = stack.pop();
    if (seen.has(row.span.spanID)) continue;
    seen.add(row.span.spanID);
    result.push(row);
    const below = (children.get(row.span.spanID) || []).sort((a, b) => byStart(b, a));
    for (const span of below) stack.push({ span, depth: row.depth + 1, orphan: false });
  }
  return result;
}

/** The row of a trace in the list. */
export function summary(trace) {
  const { start, length } = extent(trace.spans);
  const root = rows(trace.spans)[0].span;
  const counts = new Map();
  for (const span of trace.spans) {
    const name = trace.processes[span.processID].serviceName;
    counts.set(name, (counts.get(name) || 0) + 1);
  }
  return {
    id: trace.traceID, start, length, root, services: counts, spans: trace.spans.length,
    errors: trace.spans.filter(hasError).length,
  };
}

/** The first value of an attribute whose name ends in request id, or "". */
export function requestId(spans) {
  for (const span of spans) {
    const tag = span.tags.find((x) => /(^|[._])request[._]id$/.test(x.key));
    if (tag) return String(tag.value);
  }
  return "";
}
