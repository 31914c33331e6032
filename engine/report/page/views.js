// The views, the keys that choose them, and the beginning.

const VIEWS = { scores: scoresView, cost: costView, scenarios: scenariosView, checks: checksView, lineage: lineageView, sentences: sentencesView, diff: diffView, transcripts: transcriptsView, repeat: repeatView };
const KEYS = { 1: "summary", 2: "scores", 3: "cost", 4: "scenarios", 5: "checks", 6: "lineage", 7: "sentences", 8: "diff", 9: "transcripts", 0: "repeat" };
const filled = new Set();

function repeatView(view) {
  const { repeat } = dossier;
  const facts = [["Program", repeat.program], ["Event format", repeat.event_format], ["Seed", repeat.seed], ["Budget, episodes", repeat.budget], ["Suite", repeat.suite], ["Suite hash", repeat.suite_hash],
    ["Profile", repeat.profile], ["Prompt hash", repeat.prompt_hash], ["Pack to beat", repeat.incumbent], ["Agent", repeat.agent_model], ["Writers", repeat.writer_models.join(", ")],
    ["Models that answered", repeat.resolved_models.join(", ") || "not reported"], ["Prices", repeat.prices || "none"]];
  view.append(table("What the results depend on", ["what", "value"], facts.map(([name, value]) => [name, el("code", {}, String(value))]), 9),
    el("h2", {}, "Configuration"),
    table("Every setting, and where it came from", ["setting", "value", "from"], repeat.settings.map((setting) => [setting.name, el("code", {}, setting.value), setting.source]), 9),
    el("p", {}, "Keys are never kept. The events are printed by ", el("code", {}, `optimize runs export ${dossier.run}`), "."));
}

/** Shows the view that the address names. */
function show() {
  const name = location.hash.slice(1);
  const id = name in VIEWS ? name : "summary";
  for (const section of document.querySelectorAll(".view")) section.hidden = section.id !== id;
  for (const link of document.querySelectorAll("#views a")) {
    if (link.hash === `#${id}`) { link.setAttribute("aria-current", "page"); link.scrollIntoView({ block: "nearest", inline: "nearest" }); } else link.removeAttribute("aria-current");
  }
  const view = document.getElementById(id);
  if (dossier && id in VIEWS && !filled.has(id)) { filled.add(id); VIEWS[id](view); }
  if (dossier) drawCharts(view);
}

function go(id) {
  location.hash = id;
  // Not when the event comes: what is done next may need the view.
  show();
  window.scrollTo(0, 0);
}

/** Goes to a view and fills it again. */
function goAnew(id) {
  document.getElementById("detail").close();
  const view = document.getElementById(id);
  view.replaceChildren(view.querySelector("h1"));
  filled.delete(id);
  go(id);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !document.getElementById("keys").checked) return;
  if (event.target.closest("input, select, textarea, dialog")) return;
  if (event.key in KEYS) go(KEYS[event.key]);
  if (event.key === "/") { event.preventDefault(); go("transcripts"); document.getElementById("search")?.focus(); }
});
window.addEventListener("hashchange", () => { show(); window.scrollTo(0, 0); });

async function begin() {
  show();
  // The first screen is there already; the rest may take a moment.
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  [dossier, chunkIndex] = await Promise.all([block("dossier"), block("chunks")]);
  document.documentElement.dataset.ready = "yes";
  show();
}

begin().catch((error) => {
  document.getElementById("main").prepend(el("p", { class: "failed" }, `The rest of the report cannot be shown: ${error.message}`));
});
