// The Vercel AI SDK against one server: node ai-sdk.mjs BASE_URL PROVIDER.
// Prints one JSON object, a result for each case; a case that throws tells its error.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, Output, stepCountIs, streamObject, streamText, tool } from "ai";
import { z } from "zod";

const [baseURL, provider] = process.argv.slice(2);
const options = { baseURL, apiKey: "test", headers: { "x-mockdock-session": provider } };
const model =
  provider === "openai"
    ? // Without .chat the model would speak the responses API.
      createOpenAI(options).chat("gpt-4o")
    : createOpenAICompatible({
        ...options,
        name: "mockdock",
        includeUsage: true,
        supportsStructuredOutputs: true,
      })("gpt-4o");

const person = z.object({ name: z.string(), age: z.number().int(), mood: z.enum(["glad", "sad"]) });
const weather = tool({
  description: "Tell the weather of a city",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `21 degrees in ${city}`,
});
const agent = { model, tools: { weather }, stopWhen: stepCountIs(5) };

const told = (result) => ({
  text: result.text,
  finish: result.finishReason,
  input: result.usage.inputTokens,
  output: result.usage.outputTokens,
});

const rounds = (steps) =>
  steps.map(({ finishReason, toolCalls, toolResults }) => ({
    finish: finishReason,
    calls: toolCalls.map(({ toolName, input }) => [toolName, input]),
    results: toolResults.map(({ output }) => output),
  }));

const cases = {
  text: async () => told(await generateText({ model, prompt: "Hello" })),

  stream: async () => {
    const result = streamText({ model, prompt: "Hello" });
    const parts = [];
    for await (const part of result.textStream) parts.push(part);
    const [text, finishReason, usage] = await Promise.all([result.text, result.finishReason, result.usage]);
    return { ...told({ text, finishReason, usage }), parts: parts.length };
  },

  tools: async () => {
    const { steps, text } = await generateText({ ...agent, prompt: "The weather in Oslo?" });
    return { steps: rounds(steps), text };
  },

  streamedTools: async () => {
    const result = streamText({ ...agent, prompt: "The weather in Oslo?" });
    const parts = [];
    for await (const { type } of result.fullStream) if (parts.at(-1) !== type) parts.push(type);
    return { steps: rounds(await result.steps), text: await result.text, parts };
  },

  forcedTool: async () => {
    const { toolCalls } = await generateText({
      model,
      tools: { weather },
      toolChoice: { type: "tool", toolName: "weather" },
      prompt: "Hello",
    });
    return toolCalls.map(({ toolName, input }) => [toolName, input]);
  },

  object: async () => (await generateObject({ model, schema: person, prompt: "Someone" })).object,

  output: async () =>
    (await generateText({ model, output: Output.object({ schema: person }), prompt: "Someone" })).output,

  streamedObject: async () => {
    const result = streamObject({ model, schema: person, prompt: "Someone" });
    let partials = 0;
    for await (const _ of result.partialObjectStream) partials += 1;
    return { object: await result.object, partials };
  },

  retry: async () => told(await generateText({ model, prompt: "limited" })),
  exhausted: async () => told(await generateText({ model, prompt: "always limited", maxRetries: 1 })),
  refused: async () => told(await generateText({ model, prompt: "wrong" })),
  streamedRefusal: async () => {
    const seen = [];
    const result = streamText({ model, prompt: "wrong", onError: ({ error }) => seen.push(error.statusCode) });
    for await (const { type } of result.fullStream) seen.push(type);
    return seen;
  },
};

const failed = (error) => ({
  error: error.name,
  reason: error.reason,
  status: error.statusCode ?? error.lastError?.statusCode,
  message: error.message,
  retryable: error.isRetryable,
  data: error.data,
});

const results = {};
for (const [name, run] of Object.entries(cases)) {
  try {
    results[name] = await run();
  } catch (error) {
    results[name] = failed(error);
  }
}
console.log(JSON.stringify(results));
