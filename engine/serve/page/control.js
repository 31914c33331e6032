// What a run may be told. Whatever costs money or cannot be undone shows a plan first.

function actionsOf(view) {
  const { run } = view.detail;
  const base = `${API}${view.path()}`;
  const link = (text, href, more = {}) => el("a", { href, ...more }, text);
  const results = run.state === "unreadable" ? [] : [
    link(run.state === "finished" ? "Report" : "Report as it stands", `${base}/report.html`, { target: "_blank", id: "to-report" }),
    link("report.json", `${base}/report.json`, { download: `${run.id}-report.json` }),
    link("Episodes, CSV", `${base}/episodes.csv?limit=20000`, { download: `${run.id}-episodes.csv` }),
    link("JSON lines", `${base}/episodes.jsonl?limit=20000`, { download: `${run.id}-episodes.jsonl` })];
  if (server.is_read_only) return results;
  const tell = (command, body) => async () => {
    view.detail.run = await ask("POST", view.path(`/${command}`), body);
    showTrouble(null);
    say(`Run ${run.id} is ${STATES[view.detail.run.state]}.`);
    document.getElementById("detail").close();
    view.tell();
    view.readHead();
  };
  const pause = acting("Pause", "", tell("pause"));
  const tune = acting("Change limits…", "", async () => tuneDialog(view, tell));
  const stop = acting("Stop…", "danger", async () => stopDialog(view, tell));
  const resume = acting(run.state === "cut_off" ? "Resume…" : "Resume", "main", run.state === "cut_off" ? async () => resumeDialog(view, tell) : tell("resume"));
  const buttons = {
    running: [pause, tune, stop], waiting: [pause, tune, stop], pausing: [resume, tune, stop], paused: [resume, tune, stop],
    concluding: [stop], cut_off: [resume, tune], finished: [], unreadable: [],
  };
  return [...(buttons[run.state] ?? []), ...results];
}

function dialogActions(...buttons) {
  return el("div", { class: "actions" }, ...buttons, el("button", { type: "button", onclick: () => document.getElementById("detail").close() }, "Cancel"));
}

function stopDialog(view, tell) {
  const { run } = view.detail;
  openDialog(`Stop run ${run.id}?`,
    el("ul", { class: "plan" },
      el("li", {}, `${run.scored + run.unmeasured} of ${run.budget} episodes are done; what was measured stays.`),
      el("li", {}, "Stop: what is under way is finished, and the run comes to its end with a verdict. It cannot be resumed then."),
      el("li", {}, "Stop at once: what is under way is dropped, though a provider may charge for it. The run has no verdict, and can be resumed.")),
    dialogActions(acting("Stop", "danger", tell("stop", { now: false })), acting("Stop at once", "danger", tell("stop", { now: true }))));
}

function resumeDialog(view, tell) {
  const { run, limits } = view.detail;
  openDialog(`Resume run ${run.id}?`,
    el("ul", { class: "plan" },
      el("li", {}, `A process in the background goes on with it: ${Math.max(0, run.budget - run.scored - run.unmeasured)} episodes of ${run.budget} are left. No finished episode runs twice.`),
      el("li", {}, limits.usd === null ? `It asks ${run.model}, and no limit of dollars is set.` : `It spends at most $${limits.usd} in all.`),
      server.may_push ? null : el("li", {}, "A winner is committed, and pushed nowhere.")),
    dialogActions(acting("Resume", "main", tell("resume"))));
}

function tuneDialog(view, tell) {
  const { run, limits, parallel } = view.detail;
  const fields = [
    ["budget", "Episodes in all", run.budget, "number"], ["parallel", "Steps at once", parallel, "number"], ["max-usd", "Dollars in all", limits.usd, "text"],
    ["max-tokens", "Tokens in all", limits.tokens, "text"], ["max-calls", "Calls in all", limits.calls, "text"], ["max-time", "Time at work, such as 7h30m", limits.time_ms === null ? null : `${Math.round(limits.time_ms / 1000)}s`, "text"],
  ];
  const inputs = fields.map(([name, , now, type]) => el("input", { id: `tune-${name}`, name, type, value: now === null || now === undefined ? "" : String(now), placeholder: "no limit", min: type === "number" ? 1 : null }));
  const form = el("form", { class: "fields" }, fields.map(([name, label], at) => el("div", { class: "field" }, el("label", { for: `tune-${name}` }, label), inputs[at])),
    el("p", { class: "hint whole" }, "What is spent already counts. An empty field is no limit."),
    el("div", { class: "actions" }, el("button", { type: "submit", class: "main" }, "Show what changes")));
  form.onsubmit = (event) => {
    event.preventDefault();
    const changes = fields.map(([name, label, now], at) => ({ name, label, now: now === null || now === undefined ? "" : String(now), then: inputs[at].value.trim() })).filter((one) => one.now !== one.then);
    if (changes.length === 0) { say("Nothing is to be changed."); form.querySelector(".hint").textContent = "Nothing is to be changed: give another value first."; return; }
    const body = Object.fromEntries(changes.map(({ name, then }) => [name, name === "budget" || name === "parallel" ? Number(then) : then === "" ? "none" : then]));
    openDialog(`Change run ${run.id}?`,
      el("ul", { class: "plan" }, changes.map(({ label, now, then }) => el("li", {}, `${label}: ${now || "no limit"} → ${then || "no limit"}`))),
      el("p", { class: "dim" }, "It is recorded in the run, and holds from here on."),
      dialogActions(acting("Change", "main", tell("tune", body))));
  };
  openDialog(`Limits of run ${run.id}`, form);
}
