// A new run: its options, what it would take, and the beginning. And the beginning of the page itself.

/** What the server is; read before anything is drawn. */
let server = null;

const FIELDS = [
  ["budget", "Episodes", "number", "200", "attempts of the agent at one scenario: what costs money"],
  ["model", "Agent's model", "text", "", "such as anthropic/claude-sonnet-4-5; the offline model when empty"],
  ["writer", "Writers' models", "text", "", "those that write candidates, separated by spaces; the agent's when empty"],
  ["max-usd", "Dollars at most", "text", "", "no call is made that could exceed it"],
  ["max-time", "Time at most", "text", "", "such as 90m or 7h30m"],
  ["profile", "Rules of the benchmark", "select", "", ""],
  ["suite", "Suite", "text", "", "a folder where the server was started; the built-in suite when empty"],
  ["start", "Pack to beat", "text", "", "baseline, or a pack where the server was started; the best so far when empty"],
  ["packs", "Pack repository", "text", "", "where a winner is committed; packs/best when empty"],
  ["seed", "Seed", "text", "", "drawn when empty"],
  ["parallel", "Steps at once", "number", "", "8 when empty; results do not depend on it"],
  ["proposals", "Proposals side by side", "number", "", "2 when empty"],
  ["max-tokens", "Tokens at most", "number", "", ""],
  ["max-calls", "Calls at most", "number", "", ""],
  ["personas", "Personas", "text", "", "how many users the run meets in turn"],
];

const startView = {
  async open(view) {
    if (view.querySelector("form")) return;
    if (server.is_read_only) { view.append(el("p", {}, "This server only shows runs (--read-only).")); return; }
    const isGiven = (name) => server.given.includes(`--${name}`);
    const fields = FIELDS.filter(([name]) => !isGiven(name));
    const input = ([name, , type, value]) => (type === "select"
      ? el("select", { id: `o-${name}`, name }, ["", ...server.profiles].map((one) => el("option", { value: one }, one || "the usual one")))
      : el("input", { id: `o-${name}`, name, type, value, min: type === "number" ? 1 : null, autocomplete: "off", "aria-describedby": `h-${name}` }));
    const field = (one) => el("div", { class: "field" }, el("label", { for: `o-${one[0]}` }, one[1]), input(one), el("p", { class: "hint", id: `h-${one[0]}` }, one[4]));
    const check = (name, words) => el("div", { class: "check" }, el("input", { type: "checkbox", id: `o-${name}`, name }), el("label", { for: `o-${name}` }, words));
    this.form = el("form", { class: "fields", id: "options" },
      server.given.length ? el("p", { class: "whole dim" }, `Every run from here also has ${server.given.join(", ")}, as the server was started.`) : null,
      fields.slice(0, 5).map(field),
      el("details", { class: "whole" }, el("summary", {}, "More options"), el("div", { class: "more" }, fields.slice(5).map(field)),
        check("force", "begin although the budget is too little for a search worth the name"), check("no-cache", "neither use nor keep episodes in the cache")),
      el("div", { class: "actions" }, el("button", { type: "submit", class: "main" }, "Show what it would take"), el("span", { class: "hint" }, "Nothing is spent before you say so.")));
    this.form.querySelector(".more").classList.add("fields-more");
    this.form.onsubmit = (event) => { event.preventDefault(); this.plan(event.submitter).catch(showTrouble); };
    view.append(this.form);
  },

  close() {},

  options() {
    const options = {};
    for (const { name, type, value, checked } of this.form.elements) {
      if (!name) continue;
      const text = value.trim();
      if (type === "checkbox") { if (checked) options[name] = true; } else if (text === "") continue;
      else if (name === "writer") options[name] = text.split(/\s+/);
      else options[name] = type === "number" ? Number(text) : text;
    }
    return options;
  },

  async plan(button) {
    const options = this.options();
    button.disabled = true;
    button.textContent = "Estimating…";
    try {
      showTrouble(null);
      const answer = await ask("POST", "/estimate", { options });
      this.show(options, answer);
    } finally {
      button.disabled = false;
      button.textContent = "Show what it would take";
    }
  },

  show(options, { estimate, problem, at_most: atMost, command }) {
    // One key for one plan that was shown: pressed twice it still begins one run.
    const key = freshKey();
    const range = ({ low, high }, digits = 0) => (low.toFixed(digits) === high.toFixed(digits) ? low.toFixed(digits) : `${low.toFixed(digits)} to ${high.toFixed(digits)}`);
    const lines = [["It costs at most", atMost]];
    if (estimate) {
      const { division } = estimate;
      lines.push(["Candidates", range(estimate.candidates)], ["Confirmation", `about ${estimate.repeats} repeats of each pack`]);
      if (estimate.usd) lines.push(["Dollars, probably", `$${range(estimate.usd, estimate.usd.high < 1 ? 4 : 2)}`]);
      if (estimate.hours) lines.push(["Time, probably", estimate.hours.high < 1 ? `${range({ low: estimate.hours.low * 60, high: estimate.hours.high * 60 }, 1)} min` : `${range(estimate.hours, 1)} hours`]);
      lines.push(["Episodes", Object.entries(division).map(([name, count]) => `${count} ${name.replace("_", " ")}`).join(", ")]);
    }
    const begin = acting("Start this run", "main", async () => {
      const { run } = await ask("POST", "/runs", { options }, { "Idempotency-Key": key });
      document.getElementById("detail").close();
      location.hash = `#/run/${encodeURIComponent(run)}`;
    });
    begin.id = "begin";
    openDialog("Start this run?", table("What it would take", ["what", "how much"], lines, 9), el("p", {}, el("code", { id: "command" }, command)),
      el("p", { class: "dim" }, server.may_push ? "A winner is committed, and pushed if the pack repository has a remote." : "A winner is committed, and pushed nowhere."),
      problem ? problemBox(new Problem(422, { detail: problem })) : null, dialogActions(...(problem ? [] : [begin])));
  },
};

const VIEWS = { list: listView, run: runView, start: startView };
let opened = null;

/** Shows the view that the address names. */
async function show() {
  const [, name, encoded] = location.hash.split("/");
  let id = encoded;
  try { id = encoded && decodeURIComponent(encoded); } catch { /* It is shown as it is, and there is no such run. */ }
  const kind = name === "run" && id ? "run" : name === "start" ? "start" : "list";
  opened?.close();
  opened = VIEWS[kind];
  document.getElementById("link").textContent = "";
  showTrouble(null);
  for (const view of document.querySelectorAll(".view")) view.hidden = view.id !== `view-${kind}`;
  for (const link of document.querySelectorAll("#views a")) {
    if (link.hash === (kind === "start" ? "#/start" : "#/") && kind !== "run") link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  document.title = kind === "start" ? "New run" : "Packwright runs";
  const view = document.getElementById(`view-${kind}`);
  if (kind === "run") view.replaceChildren(el("h1", { id: "run-title" }, `Run ${id}`), el("p", { class: "dim" }, "reading…"));
  try {
    await opened.open(view, id);
  } catch (problem) {
    view.querySelector(":scope > .dim")?.remove();
    showTrouble(problem);
  }
  document.documentElement.dataset.ready = location.hash || "#/";
}

window.addEventListener("hashchange", () => { if (location.hash.startsWith("#/") || location.hash === "") { window.scrollTo(0, 0); show().then(() => document.getElementById("main").focus({ preventScroll: true })); } });
document.querySelector(".skip").onclick = (event) => { event.preventDefault(); document.getElementById("main").focus(); };
document.getElementById("logout").onclick = async () => { await ask("DELETE", "/session").catch(() => null); location.assign("/login"); };

async function begin() {
  server = await ask("GET", "/server");
  document.getElementById("where").textContent = `runs in ${server.runs}${server.is_read_only ? ", only shown" : ""}`;
  document.getElementById("logout").hidden = !server.wants_token;
  document.getElementById("to-start").hidden = server.is_read_only;
  await show();
}

begin().catch(showTrouble);
