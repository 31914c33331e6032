// Scores over episodes, cost over time, scenarios and categories.

function scoresView(view) {
  const { best, candidates } = dossier;
  if (best.length === 0) {
    view.append(el("p", {}, "No episode was measured."));
    return;
  }
  const low = (point) => point.objective.interval?.low ?? point.objective.value;
  const high = (point) => point.objective.interval?.high ?? point.objective.value;
  const points = candidates.map((row, place) => ({ row, place })).filter(({ row }) => row.objective && row.episodes > 0);
  const option = () => ({
    legend: legend(["best so far", "90 % interval", "candidates"]),
    grid: { left: 52, right: 16, top: 40, bottom: 48 },
    tooltip: tooltip("item", ({ seriesName, data }) => {
      if (seriesName !== "candidates") return `after ${data[0]} episodes\nbest so far ${score(data[1])}`;
      const row = candidates[data[2]];
      return `${shortOf(data[2])}${roleOf(data[2])}\n${row.operator}, ${row.episodes} episodes\n${estimate(row.objective)}`;
    }),
    xAxis: { type: "value", min: 0, ...axis("episodes") },
    yAxis: { type: "value", scale: true, ...axis("objective", { rest: { nameGap: 38 } }) },
    series: [
      band("low", stepped(best.map((p) => [p.episodes, low(p)])), 0),
      band("90 % interval", stepped(best.map((p) => [p.episodes, high(p) - low(p)])), 0.2),
      { type: "scatter", name: "candidates", symbolSize: 6, itemStyle: { color: colour("before"), opacity: 0.7 },
        data: points.map(({ row, place }) => ({ value: [row.born_after, row.objective.value, place],
          ...(roleOf(place) ? { symbolSize: 12, itemStyle: { color: colour(place === dossier.finalist_place ? "good" : "idle"), opacity: 1 } } : {}) })) },
      { type: "line", name: "best so far", symbol: "none", lineStyle: { width: 2, color: colour("after") },
        itemStyle: { color: colour("after") }, data: stepped(best.map((p) => [p.episodes, p.objective.value])) },
    ],
  });
  view.append(
    el("p", {}, "What the search believed: the best candidate so far with its 90 % interval, and every candidate where it was written, at its final estimate. What picked the best flatters it; the verdict stands on fresh episodes."),
    chart("Objective of the best candidate so far over episodes, with its interval, and of all candidates. The tables below have the numbers.", 420, option,
      ({ seriesName, data }) => { if (seriesName === "candidates") showDiffOf(data.value[2]); }),
    behind("Best so far as a table", table("Best so far", ["episodes", "candidate", "objective (90 % interval)"],
      best.map((p) => [String(p.episodes), p.candidate.slice(0, 8), estimate(p.objective)]), 2)),
    behind(`All ${candidates.length} candidates as a table`, candidateTable()));
}

/** Points of a line that keeps its value until the next one. */
function stepped(points) {
  return points.flatMap((point, at) => (at === 0 ? [point] : [[point[0], points[at - 1][1]], point]));
}

function band(name, data, opacity) {
  return { type: "line", name, data, stack: "band", stackStrategy: "all", symbol: "none", silent: true, lineStyle: { opacity: 0 },
    itemStyle: { color: colour("after"), opacity: 0.4 }, areaStyle: { color: colour("after"), opacity } };
}

function candidateTable() {
  const order = dossier.candidates.map((row, place) => ({ row, place }))
    .sort((a, b) => (b.row.objective?.value ?? -1) - (a.row.objective?.value ?? -1));
  return table("Candidates, the best first", ["candidate", "operator", "parent", "episodes", "objective (90 % interval)", "effect of its edit", "diff"],
    order.map(({ row, place }) => [shortOf(place) + roleOf(place), row.operator, row.parents[0]?.slice(0, 8) ?? "none", String(row.episodes),
      row.episodes === 0 ? `${estimate(row.objective)}, by relatives alone` : estimate(row.objective), belief(row.effect),
      row.parents.length ? linkTo("to its parent", () => showDiffOf(place)) : "none"]), 3);
}

function costView(view) {
  const { points, no_dollars, no_tokens } = dossier.cost;
  const has = (key) => points.some((point) => point[key] !== undefined);
  const seconds = (point) => point.ms / 1000;
  const lines = [["agent_usd", "agent, dollars", "after"], ["writer_usd", "writers, dollars", "idle"]].filter(([key]) => has(key));
  if (lines.length === 0 && has("tokens")) lines.push(["tokens", "tokens", "after"]);
  lines.push(["episodes", "episodes", "before"]);
  const option = () => ({
    legend: legend(lines.map(([, name]) => name)),
    grid: { left: 60, right: 60, top: 40, bottom: 48 },
    tooltip: tooltip("axis"),
    xAxis: { type: "value", min: 0, ...axis("seconds since the run began") },
    yAxis: [{ type: "value", ...axis(lines.length > 1 ? lines[0][1].replace("agent, ", "") : "episodes", { rest: { nameGap: 44 } }) },
      { type: "value", show: lines.length > 1, ...axis("episodes", { rest: { nameGap: 40 } }), splitLine: { show: false } }],
    series: lines.map(([key, name, shade]) => ({ type: "line", name, symbol: "none", step: "end", stack: key.endsWith("usd") ? "usd" : undefined,
      areaStyle: key.endsWith("usd") ? { opacity: 0.25 } : undefined, yAxisIndex: key === "episodes" && lines.length > 1 ? 1 : 0,
      lineStyle: { color: colour(shade), type: key === "episodes" && lines.length > 1 ? "dashed" : "solid" }, itemStyle: { color: colour(shade) },
      data: points.map((point) => [seconds(point), point[key] ?? null]) })),
  });
  const spent = dossier.headline.spent;
  view.append(
    el("p", { id: "dollars" }, `Dollars: ${no_dollars ?? spent.dollars}.`),
    el("p", {}, `Tokens: ${no_tokens ?? spent.tokens}.`),
    chart("What was spent over time, with the episodes that had ended. The table below has the numbers.", 380, option),
    behind("Cost over time as a table", table("From the beginning on", ["seconds", "episodes", "agent, dollars", "writers, dollars", "tokens"],
      points.map((point) => [seconds(point).toFixed(1), String(point.episodes), dollars(point.agent_usd), dollars(point.writer_usd), point.tokens === undefined ? NOT_MEASURED : String(point.tokens)]))),
    table("By model", ["role", "model", "asked for", "fruitful", "input tokens", "output tokens"],
      dossier.models.map((used) => [used.role, used.model, String(used.tasks), String(used.fruitful), counted(used.usage.input_tokens), counted(used.usage.output_tokens)]), 2));
}

const counted = (count) => (count === null || count === undefined ? NOT_MEASURED : String(count));
const dollars = (usd) => (usd === undefined || usd === null ? NOT_MEASURED : `$${usd.toFixed(4)}`);

function scenariosView(view) {
  const basis = dossier.basis === "confirmation"
    ? "Scores on fresh episodes that picked neither pack, with 90 % intervals."
    : "Scores on all episodes, those that picked the new pack included: flattering.";
  const idle = dossier.bars.scenarios.some((bar) => bar.idle !== null)
    ? "Doing nothing is what the rubric pays an agent that says and does nothing: exact."
    : `Doing nothing: not measured (${dossier.no_rubrics ?? "the rubrics are not known"}).`;
  view.append(el("p", {}, `${basis} ${idle}`));
  barSection(view, "By scenario", "scenario", dossier.bars.scenarios);
  barSection(view, "By category", "category", dossier.bars.categories);
  if (dossier.personas.length) {
    view.append(el("h2", {}, "By persona"), table("The same episodes by persona, in pairs; each has met other scenarios, so compare within a line",
      ["persona", "pairs", "pack to beat", "new pack", "difference"],
      dossier.personas.map((row) => [`${row.persona.name}, ${row.persona.company}, ${row.persona.date}`, String(row.pairs), score(row.incumbent), score(row.finalist), signed(row.finalist - row.incumbent)])));
  }
}

function barSection(view, title, what, bars) {
  const kinds = [["pack to beat", "incumbent", "before"], ["new pack", "finalist", "after"], ["doing nothing", "idle", "idle"]];
  const value = (bar, key) => (key === "idle" ? bar.idle : bar[key]?.value ?? null);
  const option = (width) => ({
    legend: legend(kinds.map(([name]) => name)),
    grid: { left: Math.min(190, width * 0.36), right: 16, top: 36, bottom: 40 },
    tooltip: tooltip("item", ({ seriesName, name, dataIndex }) => {
      const [, key] = kinds.find(([kind]) => kind === seriesName) ?? [];
      return key ? `${name}\n${seriesName}: ${key === "idle" ? score(bars[dataIndex].idle) : estimate(bars[dataIndex][key])}` : "";
    }),
    xAxis: { type: "value", min: 0, max: 1, ...axis("score") },
    yAxis: { type: "category", inverse: true, data: bars.map((bar) => bar.name + (bar.held_out ? " (held out)" : "")),
      ...axis("", { axisLabel: { width: Math.min(180, width * 0.34), overflow: "truncate" } }) },
    series: kinds.flatMap(([name, key, shade], at) => [
      { type: "bar", name, barCategoryGap: "28%", barGap: "0%", itemStyle: { color: colour(shade) }, data: bars.map((bar) => value(bar, key)) },
      ...(key === "idle" ? [] : [intervals(name, bars.map((bar, place) => [place, bar[key]?.interval?.low ?? NaN, bar[key]?.interval?.high ?? NaN]), at, kinds.length)]),
    ]),
  });
  view.append(el("h2", {}, title),
    chart(`${title}: the pack to beat, the new pack and doing nothing. The table below has the numbers.`, 70 + bars.length * 46, option),
    table(title, [what, "pack to beat", "new pack", "difference", "doing nothing"],
      bars.map((bar) => [bar.name + (bar.held_out ? " (held out)" : ""), estimate(bar.incumbent), estimate(bar.finalist), estimate(bar.difference, signed), score(bar.idle)])));
}
