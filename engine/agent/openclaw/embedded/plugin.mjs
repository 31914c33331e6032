// The benchmark's tools: each posts its arguments to the engine's world and gives back what that answers.
// Which tools there are, and how the model is told of them, stands in tools.json beside this file. Some are
// offered only in sessions whose key ends with `:web`.
import { readFileSync } from "node:fs";

const tools = JSON.parse(readFileSync(new URL("./tools.json", import.meta.url), "utf8"));

async function answer(base, sessionKey, name, params, signal) {
  const url = `${base}/s/${encodeURIComponent(sessionKey)}/tools/${name}`;
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(params ?? {}),
    signal,
  });
  const body = await response.json();
  if (!response.ok) throw new Error(String(body.detail ?? `HTTP ${response.status}`));
  return body;
}

export default {
  id: "clawbench-tools",
  name: "ClawBench tools",
  description: "The benchmark's mock tools",
  register(api) {
    const base = api.pluginConfig.mockServerUrl;
    const names = tools.map((tool) => tool.name);
    const offered = (sessionKey) => tools.filter((tool) => !tool.optional || sessionKey?.endsWith(":web"));
    const made = (context) =>
      offered(context.sessionKey).map((tool) => ({
        name: tool.name,
        label: tool.name,
        description: tool.description,
        parameters: tool.parameters,
        async execute(_id, params, signal) {
          const body = await answer(base, context.sessionKey ?? "none", tool.name, params, signal);
          return { content: [{ type: "text", text: JSON.stringify(body, null, 2) }], details: body };
        },
      }));
    api.registerTool(made, { names });
  },
};
