// The npm packages `openai` and `ai` (Vercel) on the gateway.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const question = "How many days of leave does an employee of Harbour have?";
const messages = [{ role: "user", content: question }];
const baseURL = process.env.OPENAI_BASE_URL;
const apiKey = process.env.OPENAI_API_KEY;

async function openai() {
  const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const whole = await client.chat.completions.create({ model: "septet", messages });
  assert.equal(whole.choices[0].finish_reason, "stop");
  assert.ok(whole.choices[0].message.content);
  assert.equal(whole.choices[0].message.septet.status, "answered");

  const options = { include_usage: true };
  const stream = await client.chat.completions.create({ model: "septet", messages, stream: true, stream_options: options });
  let text = "";
  let usage = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.ok(usage);

  const response = await client.responses.create({ model: "septet", input: question });
  assert.equal(response.output_text, text);

  const vectors = await client.embeddings.create({ model: "text-embedding-3-small", input: [question, "휴가"] });
  assert.ok(vectors.data.every((item) => item.embedding.length > 1 && item.embedding.every(Number.isFinite)));

  await assert.rejects(client.chat.completions.create({ model: "none", messages }), OpenAI.NotFoundError);
  console.log("npm openai: passed");
}

async function vercel() {
  const septet = createOpenAICompatible({ name: "septet", baseURL, apiKey, includeUsage: true });
  const whole = await generateText({ model: septet("septet"), prompt: question });
  assert.ok(whole.text);
  assert.equal(whole.finishReason, "stop");

  const streamed = streamText({ model: septet("septet"), prompt: question });
  let text = "";
  for await (const part of streamed.textStream) text += part;
  assert.equal(text, whole.text);
  assert.ok((await streamed.usage).totalTokens >= 0);
  console.log("npm ai: passed");
}

await openai();
await vercel();
