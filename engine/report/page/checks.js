// Checks by candidates, and why a check failed.

const heat = { sort: "lost", scenario: "", columns: "best", text: "" };
const SORTS = {
  lost: ["lost points", (check) => check.lost],
  flakiness: ["flakiness", (check) => check.flakiness],
  newly_broken: ["newly broken", (check) => check.newly_broken],
  suite: ["order of the suite", () => 0],
};
/** Cells by candidate, then check. */
let cellsOf = null;

function cell(candidate, check) {
  cellsOf ??= dossier.grid.cells.map((row) => new Map(row.map(([at, passed, episodes, failedAt, passedBy]) => [at, { passed, episodes, failedAt, passedBy }])));
  return cellsOf[candidate].get(check) ?? null;
}

const tally = (one) => (one ? `${one.passed}/${one.episodes}` : "not run");

function checksView(view) {
  const scenarios = [...new Set(dossier.grid.checks.map((check) => check.scenario))];
  const again = (key) => (value) => { heat[key] = value; fill(); };
  const body = el("div", { id: "heat" });
  const fill = () => { body.replaceChildren(...heatMap()); drawCharts(view); };
  view.append(
    el("p", {}, "How often each check passed with each candidate, over all episodes. An empty cell was not run, which is not a failure."),
    el("div", { class: "controls" },
      choice("Sort by", "heat-sort", Object.entries(SORTS).map(([key, [name]]) => [key, name]), heat.sort, again("sort")),
      choice("Scenario", "heat-scenario", [["", "all"], ...scenarios.map((name) => [name, name])], "", again("scenario")),
      choice("Candidates", "heat-columns", [["best", "the best"], ["newest", "the newest"], ["all", "all"]], heat.columns, again("columns")),
      el("label", { for: "heat-text" }, "Check has", el("input", { type: "search", id: "heat-text", oninput: (event) => again("text")(event.target.value) }))),
    heatLegend(),
    body);
  fill();
}

function rowsShown() {
  const by = SORTS[heat.sort][1];
  const text = heat.text.toLowerCase();
  return dossier.grid.checks.map((check, place) => ({ check, place, by: by(check) }))
    .filter(({ check, by: value }) => (heat.sort === "suite" || value !== null)
      && (!heat.scenario || check.scenario === heat.scenario) && `${check.scenario}/${check.check}`.toLowerCase().includes(text))
    .sort((a, b) => (b.by ?? 0) - (a.by ?? 0));
}

/** As many candidates as can be told apart at this width. */
const few = () => (window.innerWidth < 700 ? 7 : 16);

function columnsShown() {
  const places = dossier.candidates.map((_, place) => place).filter((place) => dossier.grid.cells[place].length > 0);
  const first = [dossier.finalist_place, dossier.incumbent_place].filter((place) => place !== null);
  const value = (place) => dossier.candidates[place].objective?.value ?? -1;
  const order = heat.columns === "newest" ? (a, b) => b - a : (a, b) => value(b) - value(a);
  const others = places.filter((place) => !first.includes(place)).sort(order);
  return [...first, ...(heat.columns === "all" ? others : others.slice(0, few() - first.length))];
}

function heatMap() {
  const [rows, columns] = [rowsShown(), columnsShown()];
  if (rows.length === 0) return [el("p", {}, heat.sort === "newly_broken" ? "No check passes less often than with the pack to beat." : "No such check.")];
  const cells = rows.flatMap(({ place }, y) => columns.flatMap((candidate, x) => {
    const one = cell(candidate, place);
    return one ? [{ x, y, share: one.passed / one.episodes, text: tally(one) }] : [];
  }));
  const names = rows.map(({ check }) => `${check.scenario}/${check.check}`);
  const columnNames = columns.map((place) => (place === dossier.finalist_place ? "new pack" : place === dossier.incumbent_place ? "to beat" : shortOf(place)));
  const map = heatChart(`Heat map of ${rows.length} checks by ${columns.length} candidates. The table below has the numbers and opens each failure.`, names, columnNames, cells,
    (x, y) => `${names[y]}\n${shortOf(columns[x])}${roleOf(columns[x])}`, (x, y) => showCheck(rows[y].place, columns[x]));
  return [map, checkTable(rows)];
}

function checkTable(rows) {
  const opener = (place, candidate) => {
    const one = candidate === null ? null : cell(candidate, place);
    return one ? linkTo(tally(one), () => showCheck(place, candidate)) : "not run";
  };
  const number = (value) => (value === null ? NOT_MEASURED : value.toFixed(3));
  return table("Checks; a count opens what is to be seen of the failure",
    ["check", "category", "points", "pack to beat", "new pack", "lost points", "flakiness", "newly broken"],
    rows.map(({ check, place }) => [
      linkTo(`${check.scenario}/${check.check}`, () => showCheck(place, dossier.finalist_place ?? dossier.incumbent_place)),
      check.category + (check.held_out ? ", held out" : ""), String(check.points), opener(place, dossier.incumbent_place), opener(place, dossier.finalist_place),
      check.held_out ? "held out" : number(check.lost), number(check.flakiness), check.newly_broken === null ? "no" : signed(check.newly_broken)]), 2);
}

/** Opens what is known of a check with a candidate: what it asks, what was seen, and what changed since it passed. */
function showCheck(place, candidate) {
  const check = dossier.grid.checks[place];
  const one = cell(candidate, place);
  const others = dossier.candidates.map((_, at) => at).filter((at) => cell(at, place))
    .map((at) => [at, `${shortOf(at)}${roleOf(at)}: ${tally(cell(at, place))}`]);
  const seen = el("div", { id: "seen", "aria-live": "polite" }, "…");
  openDetail(`${check.scenario}/${check.check}`,
    el("div", { class: "controls" }, choice("Candidate", "detail-candidate", others, candidate, (value) => showCheck(place, Number(value)))),
    el("p", {}, `${check.category}, ${check.points} points. `, el("strong", { id: "detail-tally" }, one ? `${one.passed} of ${one.episodes} passed` : "not run"), ` with ${shortOf(candidate)}${roleOf(candidate)}.`),
    el("h2", {}, "What it asks for"),
    check.description ? el("p", { id: "description" }, check.description) : null,
    explained(check),
    check.pattern === null ? null : el("details", { open: check.pattern.length < 160 }, el("summary", {}, "As a pattern"), el("p", {}, el("code", { id: "pattern" }, check.pattern))),
    el("h2", {}, "What was seen"), seen,
    el("h2", {}, "Policy lines changed since it last passed"), changedSince(candidate, one));
  fillSeen(seen, place, one);
}

/** What a check asks for, in words; long patterns make long words, which are folded. */
function explained(check) {
  const words = check.explained ?? `not known: ${dossier.no_rubrics ?? "an evaluator outside of this program judged"}`;
  if (words.length <= 320) return el("p", { id: "explained" }, words);
  return el("div", { id: "explained" }, el("p", {}, `${words.slice(0, 240)} …`), el("details", {}, el("summary", {}, "All of it in words"), el("p", {}, words)));
}

async function fillSeen(seen, place, one) {
  if (!one) { seen.replaceChildren("The check was not run with this candidate."); return; }
  if (one.failedAt === null) { seen.replaceChildren("It never failed with this candidate."); return; }
  const open = el("p", {}, linkTo(`Open the transcript of event ${one.failedAt}`, () => showTranscript(one.failedAt)));
  try {
    const episode = await episodeOf(one.failedAt);
    const common = await commonLines;
    const found = episode?.exhibits.find(([check]) => check === place);
    const detail = dossier.failures.find((failure) => failure.check === place && failure.episode === one.failedAt)?.detail;
    seen.replaceChildren(
      ...(found ? exhibit(episode, found, common) : [el("p", {}, `Nothing of it is to be seen in event ${one.failedAt}: what it asks for is not there, nor anything near it.`)]),
      detail ? el("p", { class: "dim" }, `In the score's words: ${detail}`) : "", open);
  } catch (error) {
    seen.replaceChildren(String(error.message), open);
  }
}

const PLACES = { answer: "the answer", arguments: "the arguments", tool_answer: "the tool's answer" };

function exhibit(episode, [, where, call, before, found, after, lacking], common) {
  const text = (lines) => textOf(episode, lines, common);
  const missing = text(lacking);
  const tools = episode.messages.filter(([kind, , , failed]) => kind === "tool" && !failed);
  const tool = call === null ? null : tools[call];
  return [
    el("p", {}, missing ? `Nearest miss, in ${PLACES[where]}:` : `Found in ${PLACES[where]}:`),
    el("div", { class: "text", id: "exhibit", tabindex: "0" }, "…", text(before), el("mark", {}, text(found)), text(after), "…"),
    missing ? el("p", { id: "lacking" }, "lacking: ", el("strong", {}, missing)) : null,
    call === null ? el("p", { id: "call" }, "No tool call is involved: it is what the agent answered.")
      : el("p", { id: "call" }, `Tool call ${call + 1}${tool ? ` (${tool[2]})` : ""}.`),
  ].filter((part) => part !== null);
}

function changedSince(candidate, one) {
  if (!one || one.passedBy === null) return el("p", { id: "since" }, "It has passed with no ancestor of this candidate.");
  if (one.passedBy === candidate) return el("p", { id: "since" }, "None: it has passed with this very policy, so it is flaky.");
  const lines = lineDiff(dossier.candidates[one.passedBy].policy, dossier.candidates[candidate].policy).filter(([kind]) => kind !== "equal");
  return el("div", { id: "since" }, el("p", {}, `It passed with ${shortOf(one.passedBy)}${roleOf(one.passedBy)}; since then:`), diffList(lines, "since-lines"));
}

function openDetail(title, ...content) {
  const dialog = document.getElementById("detail");
  dialog.replaceChildren(el("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close"),
    el("h1", { id: "detail-title" }, title), ...content.filter((part) => part !== null));
  if (!dialog.open) dialog.showModal();
}
