// Calls of the public HTTP API with the session cookie.
const CONSOLE = { "x-septet-console": "1", "content-type": "application/json" };

export class CallError extends Error {
  constructor(kind, id = "") {
    super(kind);
    this.kind = kind;
    this.id = id;
  }
}

async function call(method, path, body, options = {}) {
  let response;
  try {
    const headers = { ...CONSOLE, ...options.headers };
    response = await fetch(path, { method, headers, signal: options.signal, body: body && JSON.stringify(body) });
  } catch (error) {
    throw error.name === "AbortError" ? error : new CallError("e_network");
  }
  if (response.ok) return response;
  const kind = { 401: "e_session", 429: "e_busy", 503: "e_busy" }[response.status] ?? "e_other";
  throw new CallError(kind, response.headers.get("x-request-id") ?? options.headers?.["idempotency-key"] ?? "");
}

export const session = {
  create: async (key) => (await call("POST", "/v1/septet/session", undefined, { headers: { authorization: `Bearer ${key}` } })).json(),
  get: async () => (await call("GET", "/v1/septet/session")).json(),
  end: () => call("DELETE", "/v1/septet/session"),
};

export const cancel = (id) => call("DELETE", `/v1/septet/requests/${encodeURIComponent(id)}`);
export const feedback = (body) => call("POST", "/v1/septet/feedback", body);

// Asks a question, and calls `onText` with the released text so far. Returns the object `septet` of the response.
export async function ask({ id, question, conversation, cache, signal, onText }) {
  const septet = { epochs: true, conversation_id: conversation, ...(cache && { cache }) };
  const body = { model: await model(), stream: true, messages: [{ role: "user", content: question }], septet };
  const response = await call("POST", "/v1/chat/completions", body, { signal, headers: { "idempotency-key": id } });
  let text = "";
  let details = null;
  for await (const data of events(response.body)) {
    if (data.error) throw new CallError("e_other", id);
    if (data.septet?.epoch) text = "";
    if (data.septet?.request_id) details = data.septet;
    text += data.choices?.[0]?.delta?.content ?? "";
    onText(text);
  }
  if (details === null) throw new CallError("e_network", id);
  return { text, details };
}

let known;
async function model() {
  known ??= (await (await call("GET", "/v1/models")).json()).data[0].id;
  return known;
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      throw error.name === "AbortError" ? error : new CallError("e_network");
    }
    if (part.done) return;
    const blocks = (rest + part.value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("");
      if (data && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}
