// Asks one question through OpenAI's package for Node, and prints the checked answer and its sources.
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL ?? "http://127.0.0.1:8100/v1",
  apiKey: process.env.OPENAI_API_KEY,
});

const stream = await client.chat.completions.create({
  model: "septet",
  messages: [{ role: "user", content: process.argv[2] ?? "What is a deque?" }],
  stream: true,
});

let last;
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
  last = chunk.septet ?? last;
}
process.stdout.write("\n");
for (const source of last?.sources ?? []) {
  if (source.cited) console.log(`[${source.number}] ${source.title || source.document_id}`);
}
