// Client of the query API of the embedded receiver and of Jaeger. Jaeger has no search by id, and lists traces of one
// service only.

const IDENTIFIERS = ["septet.request_id", "gen_ai.conversation.id", "messaging.message.conversation_id", "messaging.message.id"];
const NEWEST = 50;

export async function read(path) {
  const reply = await fetch(path, { headers: { accept: "application/json" } });
  const body = await reply.json();
  if (body.errors) throw new Error(body.errors.map((e) => e.msg).join("; "));
  return body.data || [];
}

export const services = () => read("/api/services");

const find = (service, tags = {}, limit = NEWEST) =>
  read(`/api/traces?limit=${limit}&service=${encodeURIComponent(service)}&tags=${encodeURIComponent(JSON.stringify(tags))}`);

const started = (trace) => Math.min(...trace.spans.map((span) => span.startTime));

async function ofAll(tags, limit) {
  const found = await Promise.all((await services()).map((name) => find(name, tags, limit)));
  const byId = new Map(found.flat().map((trace) => [trace.traceID, trace]));
  return [...byId.values()].sort((a, b) => started(b) - started(a)).slice(0, NEWEST);
}

/** The latest traces of one service or of all services. */
export async function latest(service) {
  if (service) return find(service);
  const reply = await fetch(`/api/traces?limit=${NEWEST}&service=`, { headers: { accept: "application/json" } });
  return reply.ok ? (await reply.json()).data : ofAll({}, NEWEST);
}

/** Ids of the traces for any id: of a trace, a request or a conversation. */
export async function search(text) {
  const reply = await fetch(`/api/search?q=${encodeURIComponent(text)}`);
  // Jaeger returns its page for unknown paths.
  if ((reply.headers.get("content-type") || "").includes("json")) {
    const ids = (await reply.json()).data;
    return (await Promise.all(ids.map((id) => read(`/api/traces/${id}`)))).flat();
  }
  if (/^[0-9a-f]{32}$/i.test(text)) return read(`/api/traces/${text.toLowerCase()}`).catch(() => []);
  for (const key of IDENTIFIERS) {
    const found = await ofAll({ [key]: text }, NEWEST);
    if (found.length) return found;
  }
  return [];
}
