// The example of Langdock's documents against one server: node langdock.mjs BASE_URL.
// Prints one JSON object, a result for each case; a case that throws tells its error.
import { createOpenAI } from "@ai-sdk/openai";
import { embedMany, generateText, streamText } from "ai";

const [baseURL] = process.argv.slice(2);
const langdockProvider = createOpenAI({ baseURL, apiKey: "sk-ld-test" });
const prompt = "Write a short poem about cats";

const streamed = async (model) => {
  const result = streamText({ model, prompt, maxRetries: 0, onError: () => {} });
  const parts = [];
  for await (const textPart of result.textStream) parts.push(textPart);
  const [text, finish, usage] = await Promise.all([result.text, result.finishReason, result.usage]);
  return { text, finish, parts, input: usage.inputTokens };
};

const refusedStream = async (model) => {
  const seen = [];
  const result = streamText({ model, prompt, maxRetries: 0, onError: ({ error }) => seen.push(failed(error)) });
  for await (const _ of result.textStream) seen.push("text");
  return seen;
};

const failed = (error) => ({
  error: error.name,
  status: error.statusCode,
  url: error.url,
  retryable: error.isRetryable,
  body: error.responseBody,
});

const cases = {
  text: async () => {
    const result = await generateText({ model: langdockProvider.chat("gpt-4o-mini"), prompt });
    return { text: result.text, finish: result.finishReason, input: result.usage.inputTokens };
  },
  stream: () => streamed(langdockProvider.chat("gpt-4o-mini")),
  reasoningStream: () => streamed(langdockProvider.chat("gpt-5-mini")),
  retry: async () => (await generateText({ model: langdockProvider.chat("gpt-4o"), prompt: "limited" })).text,
  vectors: async () => {
    const model = langdockProvider.textEmbeddingModel("text-embedding-ada-002");
    const { embeddings, usage } = await embedMany({ model, values: ["a cat", "two"] });
    return { lengths: embeddings.map((each) => each.length), tokens: usage.tokens };
  },
  // To the letter: since version 5 of the SDK such a model speaks the Responses API.
  letter: () => refusedStream(langdockProvider("gpt-4o-mini")),
  letterPlain: () => generateText({ model: langdockProvider("gpt-4o-mini"), prompt, maxRetries: 0 }),
};

const results = {};
for (const [name, run] of Object.entries(cases)) {
  try {
    results[name] = await run();
  } catch (error) {
    results[name] = failed(error);
  }
}
console.log(JSON.stringify(results));
