// Loaded into the gateway before anything else. It changes how the gateway puts its tools together, and ends
// the gateway when the program that started it is gone.
//
// The gateway's own tools run commands and read files on this machine. The benchmark's runtime has a plugin
// tool of the same name take the place of each of them; the gateway as it is published offers both to the
// model. So every list of tools passes through `packwrightTools`: of equal names the last one stays, at the
// place of the first, and of the gateway's own tools only `session_status`, which touches nothing.
import { registerHooks } from "node:module";

const ANCHOR = "function applyToolPolicyPipeline(params) {\n";
const PATCH = ANCHOR + "\tparams = { ...params, tools: globalThis.packwrightTools(params.tools, params.toolMeta) };\n";
// Wherever tools are put together, the anchor must be found.
const SUSPECT = "function createOpenClawCodingTools(";
const HARMLESS = new Set(["session_status"]);

globalThis.packwrightTools = (tools, pluginOf) => {
  const byName = new Map();
  for (const tool of tools) {
    if (pluginOf(tool) !== undefined || HARMLESS.has(tool.name)) byName.set(tool.name, tool);
  }
  const names = [...new Set(tools.map((tool) => tool.name))];
  return names.filter((name) => byName.has(name)).map((name) => byName.get(name));
};

function patched(url, source) {
  const places = source.split(ANCHOR).length - 1;
  if (places === 0 && !source.includes(SUSPECT)) return undefined;
  if (places !== 1) {
    console.error(`packwright: ${url} does not have the one place where tools can be replaced, but ${places}`);
    process.exit(87);
  }
  return source.replace(ANCHOR, () => PATCH);
}

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.includes("/openclaw/dist/") || !loaded.source) return loaded;
    const source = patched(url, loaded.source.toString());
    return source === undefined ? loaded : { ...loaded, source };
  },
});

// The program that started this gateway holds the other end and never writes.
if (process.env.PACKWRIGHT_WATCH_STDIN === "1") {
  process.stdin.on("end", () => process.exit(0));
  process.stdin.on("error", () => process.exit(0));
  process.stdin.resume();
}
