// One run, as it is and as it goes on.

const runView = {
  stream: null,

  async open(view, id) {
    Object.assign(this, { view, id });
    await this.read();
  },

  close() { this.stream?.close(); this.stream = null; },

  path(rest = "") { return `/runs/${encodeURIComponent(this.id)}${rest}`; },

  async read() {
    const id = this.id;
    const detail = await ask("GET", this.path());
    if (id !== this.id) return;
    this.detail = detail;
    this.log = { rows: [], next: null, newer: 0, filter: { scenario: "", outcome: "" } };
    this.build();
    this.stream?.close();
    if (!detail.cursor) return;
    this.stream = new Stream(this.path("/events"), detail.cursor, (change) => this.changed(change), () => this.read().catch(showTrouble));
    await this.readEpisodes();
  },

  build() {
    const { detail, view } = this;
    document.title = `Run ${this.id}`;
    this.head = el("div", {});
    this.cards = el("div", { class: "cards four" });
    this.warnings = el("div", {});
    this.actions = el("div", { class: "actions", id: "actions", role: "group", "aria-label": "What the run may be told" });
    this.curve = el("div", { id: "curve" });
    this.bars = el("div", { id: "bars" });
    this.leading = el("div", { id: "leading" });
    this.heat = el("div", { id: "checks" });
    this.tree = el("div", { id: "lineage" });
    this.episodes = el("div", { id: "episodes" });
    view.replaceChildren(this.head, this.warnings, this.actions, this.cards);
    this.tell();
    if (!detail.cursor) return;
    view.append(el("h2", {}, "Best so far"), this.curve, el("h2", {}, "Scenarios"), this.bars, el("h2", {}, "Leading candidates"), this.leading,
      el("h2", {}, "Checks"), this.heat, el("h2", {}, "Lineage"), this.tree,
      el("h2", {}, "Episodes"), this.episodes, this.logBox());
    this.drawCurve();
    this.drawBars();
    this.drawLeading();
    this.readLeading(0);
    this.buildEpisodes();
    drawCharts(view);
  },

  /** What changes with every step of the run. */
  tell() {
    const { run, warnings, limits, phase, under_way: underWay, parallel, process } = this.detail;
    const done = run.scored + run.unmeasured;
    const title = run.verdict ? run.verdict.words : run.note ?? "";
    this.head.replaceChildren(el("h1", { id: "run-title" }, `Run ${run.id} `, badge(run)), title ? el("p", { id: "note" }, title) : "",
      el("p", { class: "dim" }, run.suite ? `suite ${run.suite}, agent ${run.model}, writer ${run.writer}, seed ${run.seed}, begun ${momentOf(run.started_ms)}${process ? `, process ${process}` : ""}` : ""));
    this.warnings.replaceChildren(...(warnings.length ? [el("ul", { class: "warnings", "aria-label": "Warnings" }, warnings.map((words) => el("li", {}, words)))] : []));
    const focused = document.activeElement?.closest?.("#actions") ? document.activeElement.textContent : null;
    this.actions.replaceChildren(...actionsOf(this));
    if (focused) [...this.actions.children].find((one) => one.textContent === focused)?.focus();
    const best = run.best;
    const limitWords = [limits.usd !== null ? `$${limits.usd}` : null, limits.tokens !== null ? `${countOf(limits.tokens)} tokens` : null, limits.calls !== null ? `${limits.calls} calls` : null, limits.time_ms !== null ? timeOf(limits.time_ms) : null].filter(Boolean);
    const card = (title, id, big, ...small) => el("div", { class: "card" }, el("h2", {}, title), el("p", { class: "big", id }, big), ...small.filter(Boolean).map((words) => (typeof words === "string" ? el("p", { class: "dim" }, words) : words)));
    this.cards.replaceChildren(
      card(run.verdict ? "What stands" : "Best so far", "n-best", best ? score(best.objective.value) : NOT_MEASURED,
        best ? (best.objective.low === null ? null : `90 % interval ${score(best.objective.low)} to ${score(best.objective.high)}`) : null,
        best ? `${best.is_incumbent ? "the pack to beat" : `pack ${short(best.candidate)}`}${best.basis === "search" ? ", by what the search believes" : ", on fresh episodes"}` : null,
        run.verdict?.difference ? `difference ${measure(run.verdict.difference, signed)}` : null),
      card("Episodes", "n-episodes", `${done} of ${run.budget}`, el("progress", { value: done, max: run.budget || 1, "aria-label": "episodes that ended" }),
        run.unmeasured ? `${run.unmeasured} not measured` : "all measured",
        underWay ? `${underWay} under way${parallel ? ` of ${parallel} at once` : ""}${phase ? `: ${phase.replace("_", " ")}` : ""}` : null),
      card("Spent at most", "n-spent", run.spent && run.spent.calls > 0 ? (run.spent.usd === null ? "not priced" : `$${run.spent.usd.toFixed(run.spent.usd < 1 ? 4 : 2)}`) : "nothing",
        run.spent && run.spent.calls > 0 ? `${run.spent.tokens === null ? "tokens not known" : `${countOf(run.spent.tokens)} tokens`}, ${run.spent.calls} calls` : "no calls to providers",
        limitWords.length ? `limits: ${limitWords.join(", ")}` : "no limit but the budget"),
      card("Time", "n-time", timeOf(run.worked_ms), "at work", run.left_ms ? `about ${timeOf(run.left_ms)} left` : null));
  },

  changed(change) {
    const { detail } = this;
    if (change.run) {
      if (change.run.state !== detail.run.state) {
        say(`Run ${this.id} is ${STATES[change.run.state]}.`);
        // Limits, warnings and processes are told with the whole run.
        this.readHead();
      }
      detail.run = change.run;
      this.tell();
    }
    if (change.best) {
      detail.best.points.push(...change.best);
      detail.best.of += change.best.length;
      this.drawCurve();
    }
    if (change.scenarios) { detail.scenarios = change.scenarios; this.drawBars(); }
    if (change.candidates || change.best || change.episodes) this.readLeading();
    if (change.episodes) {
      detail.episodes += change.episodes.length;
      if (this.log.isOlder || this.log.filter.scenario || this.log.filter.outcome) this.log.newer += change.episodes.length;
      else {
        // Those that ended while the rows were read are there already.
        const known = new Set(this.log.rows.map((row) => row.ordinal));
        this.log.rows = change.episodes.filter((row) => !known.has(row.ordinal)).reverse().concat(this.log.rows).slice(0, 50);
      }
      this.drawEpisodes();
      if (detail.best.points.length === 0) this.drawCurve();
    }
    drawCharts(this.view);
  },

  readHead() {
    this.headLater ??= setTimeout(async () => {
      this.headLater = undefined;
      const detail = await ask("GET", this.path()).catch(() => null);
      if (!detail || detail.run.id !== this.id) return;
      for (const name of ["run", "warnings", "limits", "phase", "under_way", "parallel", "process"]) this.detail[name] = detail[name];
      this.tell();
    }, 300);
  },

  readLeading(wait = 1500) {
    const { id } = this;
    this.leadingLater ??= setTimeout(async () => {
      this.leadingLater = undefined;
      const [page, checks, lineage] = await Promise.all(["/candidates?limit=10", "/checks", "/lineage"].map((rest) => ask("GET", this.path(rest)).catch(() => null)));
      if (id !== this.id) return;
      if (page) {
        [this.detail.leading, this.detail.candidates] = [page.candidates, page.total];
        this.drawLeading();
      }
      if (checks) this.drawChecks(checks);
      if (lineage) this.drawLineage(lineage);
      drawCharts(this.view);
    }, wait);
  },

  /** Puts a chart and its table in a place; a table that is open stays open. */
  fill(place, ...content) {
    const isOpen = place.querySelector("details")?.open ?? false;
    place.replaceChildren(...content);
    const box = place.querySelector("details");
    if (box) box.open = isOpen;
  },

  /** The checks that cost the best candidate most, and all of them in the table. */
  drawChecks({ candidates, checks }) {
    if (checks.length === 0 || candidates.every((row) => row.episodes === 0)) { this.heat.replaceChildren(el("p", {}, "No check was run yet.")); return; }
    const best = candidates.length > 1 ? 1 : 0;
    const share = (one) => one.passed / one.episodes;
    const points = new Map();
    for (const check of checks) points.set(check.scenario, (points.get(check.scenario) ?? 0) + check.points);
    const lost = (check) => { const one = check.tallies[best]; return one ? (check.points / points.get(check.scenario)) * (1 - share(one)) : 0; };
    const dearest = checks.filter((check) => !check.held_out && lost(check) > 0).sort((a, b) => lost(b) - lost(a)).slice(0, 20);
    const columns = candidates.map((row) => (row.is_incumbent ? "to beat" : short(row.id)));
    const nameOf = (check) => `${check.scenario}/${check.check}`;
    const tally = (one) => (one ? `${one.passed}/${one.episodes}` : "not run");
    const cells = dearest.flatMap((check, y) => check.tallies.flatMap((one, x) => (one ? [{ x, y, share: share(one), text: tally(one) }] : [])));
    const all = behind(`All ${checks.length} checks as a table`, table("Checks: passed of episodes", ["check", "category", "points", ...columns],
      checks.map((check) => [nameOf(check), check.category + (check.held_out ? ", held out" : ""), String(check.points), ...check.tallies.map(tally)]), 2));
    this.fill(this.heat, ...(dearest.length === 0 ? [el("p", {}, `${best ? "The best candidate" : "The pack to beat"} has failed no check of the search.`)] : [
      el("p", { class: "dim" }, `The ${dearest.length} checks on which ${best ? "the best candidate" : "the pack to beat"} loses most of its scenarios' points, with the pack to beat and the leading candidates. Why they failed is in the report.`),
      heatLegend(),
      heatChart(`Heat map of ${dearest.length} checks by ${columns.length} candidates. The table below has the numbers.`, dearest.map(nameOf), columns, cells, (x, y) => `${nameOf(dearest[y])}\n${columns[x]}`)]), all);
  },

  drawLineage({ candidates, total }) {
    if (candidates.length === 0) { this.tree.replaceChildren(); return; }
    const value = (row) => row.objective?.value ?? -Infinity;
    const best = candidates.reduce((best, row, place) => (value(row) > value(candidates[best]) ? place : best), 0);
    const nameOf = (row) => (row.is_incumbent ? "to beat" : short(row.id));
    const { element } = lineageTree("Tree of the leading candidates from the pack to beat on. The table below has each with its parent.", candidates, 0, best, best === 0 ? undefined : best,
      (place) => `${nameOf(candidates[place])} ${candidates[place].is_incumbent ? "" : candidates[place].operator} ${candidates[place].objective ? score(candidates[place].objective.value) : ""}`,
      (place) => `${nameOf(candidates[place])}\n${candidates[place].operator}, ${candidates[place].episodes} episodes\nobjective ${measure(candidates[place].objective)}`);
    const rows = candidates.map((row) => [nameOf(row), row.operator, row.parents.length ? row.parents.map(short).join(", ") : "none", String(row.episodes), measure(row.objective)]);
    this.fill(this.tree, el("p", { class: "dim" }, `The leading candidates and what they are made of: ${candidates.length} of ${total}. The line to the best is marked.`), element,
      behind("These candidates as a table", table("Lineage", ["candidate", "operator", "parents", "episodes", "objective (90 % interval)"], rows, 3)));
  },

  drawCurve() {
    const { points, of } = this.detail.best;
    if (points.length === 0) { this.curve.replaceChildren(el("p", {}, this.detail.episodes ? "The search believes nothing before its first round is finished." : "No episode was measured yet.")); return; }
    const words = points.length < of ? `${points.length} of ${of} points are drawn: evenly apart, with those where the best became another one. ` : "";
    this.curveTable = () => table("Best so far", ["episodes", "candidate", "objective (90 % interval)"], points.map((point) => [String(point.episodes), short(point.candidate), measure(point.objective)]), 2);
    const isOpen = this.curve.querySelector("details")?.open ?? false;
    const option = () => {
      const low = (point) => point.objective.low ?? point.objective.value;
      const high = (point) => point.objective.high ?? point.objective.value;
      const steps = (of) => points.flatMap((point, at) => (at === 0 ? [[point.episodes, of(point)]] : [[point.episodes, of(points[at - 1])], [point.episodes, of(point)]]));
      const area = (name, data, opacity) => ({ type: "line", name, data, stack: "band", stackStrategy: "all", symbol: "none", silent: true, lineStyle: { opacity: 0 }, itemStyle: { color: colour("after"), opacity: 0.4 }, areaStyle: { color: colour("after"), opacity } });
      return {
        legend: legend(["best so far", "90 % interval"]), grid: { left: 52, right: 16, top: 40, bottom: 48 }, tooltip: tooltip("axis"),
        xAxis: { type: "value", min: 0, ...axis("episodes") }, yAxis: { type: "value", scale: true, ...axis("objective", { rest: { nameGap: 38 } }) },
        series: [area("low", steps(low), 0), area("90 % interval", steps((point) => high(point) - low(point)), 0.2),
          { type: "line", name: "best so far", symbol: points.length === 1 ? "circle" : "none", lineStyle: { width: 2, color: colour("after") }, itemStyle: { color: colour("after") }, data: steps((point) => point.objective.value) }],
      };
    };
    if (!this.curve.querySelector(".chart")) {
      this.curveOption = option;
      this.curve.replaceChildren(el("p", { class: "dim" }, "What the search believes: the best candidate with its 90 % interval. What picked the best flatters it; the verdict stands on fresh episodes. ", el("span", {}, words)),
        chart("Objective of the best candidate so far over episodes, with its interval. The table below has the numbers.", 320, () => this.curveOption()));
      const behindTable = behind("Best so far as a table");
      behindTable.ontoggle = () => { if (behindTable.open) behindTable.replaceChildren(behindTable.firstChild, this.curveTable()); };
      this.curve.append(behindTable);
    } else {
      this.curveOption = option;
      this.curve.querySelector("p span").textContent = words;
      if (isOpen) { const box = this.curve.querySelector("details"); box.replaceChildren(box.firstChild, this.curveTable()); }
    }
  },

  drawBars() {
    const { scenarios } = this.detail;
    const names = scenarios.map((bar) => bar.name + (bar.held_out ? " (held out)" : ""));
    this.barsOption = (width) => ({
      legend: legend(["pack to beat", "best so far"]), grid: { left: Math.min(190, width * 0.36), right: 16, top: 36, bottom: 40 }, tooltip: tooltip("axis"),
      xAxis: { type: "value", min: 0, max: 1, ...axis("mean score") },
      yAxis: { type: "category", inverse: true, data: names, ...axis("", { axisLabel: { width: Math.min(180, width * 0.34), overflow: "truncate" } }) },
      series: [["pack to beat", "incumbent", "before"], ["best so far", "best", "after"]].flatMap(([name, key, shade], at) => [
        { type: "bar", name, barCategoryGap: "28%", barGap: "0%", itemStyle: { color: colour(shade) }, data: scenarios.map((bar) => bar[key]?.value ?? null) },
        intervals(name, scenarios.map((bar, place) => [place, bar[key]?.low ?? NaN, bar[key]?.high ?? NaN]), at, 2)]),
    });
    const cell = (value, episodes) => (value ? `${measure(value)}, ${episodes} episodes` : NOT_MEASURED);
    const rows = () => table("Scenarios: means of all episodes until now", ["scenario", "pack to beat", "best so far"],
      scenarios.map((bar, at) => [names[at], cell(bar.incumbent, bar.incumbent_episodes), cell(bar.best, bar.best_episodes)]));
    if (!this.bars.querySelector(".chart")) {
      const box = behind("Scenarios as a table", rows());
      this.bars.replaceChildren(chart("Mean score by scenario: the pack to beat and the best so far. The table below has the numbers.", 70 + scenarios.length * 40, (width) => this.barsOption(width)), box);
    } else {
      const box = this.bars.querySelector("details");
      box.replaceChildren(box.firstChild, rows());
    }
  },

  drawLeading() {
    const { leading, candidates } = this.detail;
    this.leading.replaceChildren(table(`The ${leading.length} best of ${candidates} candidates, by what the search believes`, ["candidate", "operator", "parent", "episodes", "objective (90 % interval)", "what the writer said"],
      leading.map((row) => [short(row.id) + (row.is_incumbent ? " (pack to beat)" : ""), row.operator, row.parents[0] ? short(row.parents[0]) : "none", String(row.episodes), measure(row.objective), el("span", {}, row.said || "")]), 9));
  },

  buildEpisodes() {
    const { scenarios } = this.detail;
    const set = (name) => (value) => { this.log.filter[name] = value; this.readEpisodes().catch(showTrouble); };
    this.older = acting("Older", "", () => this.readEpisodes(this.log.next));
    this.newest = acting("Newest", "", () => this.readEpisodes());
    this.rows = el("div", { id: "rows" });
    this.shownWords = el("p", { class: "dim" });
    this.episodes.replaceChildren(
      el("div", { class: "controls" }, choice("Scenario", "e-scenario", [["", "all"], ...scenarios.map((bar) => [bar.name, bar.name])], "", set("scenario")),
        choice("Ended", "e-outcome", [["", "any way"], ["finished", "finished"], ["timed_out", "timed out"], ["turn_limit", "turn limit"], ["context_full", "context full"], ["errored", "not measured"]], "", set("outcome"))),
      this.shownWords, this.rows, el("div", { class: "actions" }, this.newest, this.older));
  },

  async readEpisodes(cursor = null) {
    const query = new URLSearchParams({ limit: "50" });
    if (cursor !== null) query.set("cursor", String(cursor));
    for (const [name, value] of Object.entries(this.log.filter)) if (value) query.set(name, value);
    const page = await ask("GET", this.path(`/episodes?${query}`));
    Object.assign(this.log, { rows: page.episodes, next: page.next, newer: 0, isOlder: cursor !== null, total: page.total });
    this.drawEpisodes();
  },

  drawEpisodes() {
    const { rows, next, newer, isOlder } = this.log;
    this.older.hidden = next === null;
    this.newest.hidden = !isOlder && newer === 0;
    this.newest.textContent = newer ? `Newest (${newer} came meanwhile)` : "Newest";
    this.shownWords.textContent = rows.length ? `${rows.length} of ${this.detail.episodes} episodes, newest first` : "No such episodes.";
    const focused = document.activeElement?.closest?.("#rows button")?.textContent;
    this.rows.replaceChildren(rows.length === 0 ? "" : table("Episodes", ["event", "scenario", "candidate", "phase", "ended", "score", "checks", "calls of tools", "took"],
      rows.map((row) => [linkTo(String(row.ordinal), () => showEpisode(this, row)), row.scenario, short(row.candidate), (row.phase ?? "").replace("_", " "), row.outcome === "errored" ? `not measured: ${row.problem}` : row.outcome.replace("_", " ") + (row.cached ? ", cached" : ""),
        score(row.score), row.checks === null ? NOT_MEASURED : `${row.checks_passed}/${row.checks}`, row.tool_calls === null ? NOT_MEASURED : String(row.tool_calls), timeOf(row.took_ms)]), 5));
    if (focused) [...this.rows.querySelectorAll("button")].find((one) => one.textContent === focused)?.focus();
  },

  logBox() {
    const box = behind("Log of the run's process");
    box.ontoggle = async () => {
      if (!box.open) return;
      const { lines, is_cut: isCut } = await ask("GET", this.path("/log")).catch((problem) => ({ lines: [problem.message], is_cut: false }));
      box.replaceChildren(box.firstChild, el("pre", { class: "text log", tabindex: "0", role: "region", "aria-label": "Log" }, lines.length ? (isCut ? "…\n" : "") + lines.join("\n") : "Nothing of this run ran in the background."));
    };
    return box;
  },
};

/** An episode with what was said in it. All of it is text. */
async function showEpisode(view, row) {
  const { episode, kept } = await ask("GET", view.path(`/episodes/${row.ordinal}`)).catch((problem) => { showTrouble(problem); return {}; });
  if (!episode) return;
  const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
  const message = (kind, title, text) => el("div", { class: `message ${kind}` }, el("h3", {}, title), el("div", { class: "text", tabindex: "0", role: "region", "aria-label": title }, text));
  const parts = kept === null ? [el("p", {}, episode.problem ? `It could not be measured: ${episode.problem}` : "No transcript was kept.")] : [
    ...(kept.tool_calls ?? []).map((call, at) => message("tool", `Call ${at + 1}: ${call.tool}`, `${shown(call.args)}\n\n${shown(call.response)}`)),
    message("assistant", "Response", kept.response || "(nothing)")];
  openDialog(`Event ${episode.ordinal}: ${episode.scenario}`, el("p", {}, `pack ${short(episode.candidate)}, attempt ${episode.repeat + 1}, ${episode.outcome.replace("_", " ")}, score ${score(episode.score)}`), ...parts);
}
