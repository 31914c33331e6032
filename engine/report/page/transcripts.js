// Transcripts with their tool calls, filtered and searched.

const PAGE = 40;
const filter = { candidate: "", scenario: "", kind: "", text: "", page: 0, open: null };
/** Ordinals whose transcript has the searched text; null while nothing is searched. */
let hits = null;
let searches = 0;

function transcriptsView(view) {
  const used = [...new Set(dossier.episode_rows.map((row) => row.candidate))].sort((a, b) => a - b);
  const scenarios = [...new Set(dossier.episode_rows.map((row) => row.scenario))].sort();
  const again = (key) => (value) => { filter[key] = value; filter.page = 0; fillList(); };
  view.append(
    el("div", { class: "controls", role: "search" },
      el("label", { for: "search" }, "Search all transcripts", el("input", { type: "search", id: "search", value: filter.text, oninput: (event) => searchSoon(event.target.value) })),
      choice("Candidate", "t-candidate", [["", "all"], ...used.map((place) => [place, shortOf(place) + roleOf(place)])], filter.candidate, again("candidate")),
      choice("Scenario", "t-scenario", [["", "all"], ...scenarios.map((name) => [name, name])], filter.scenario, again("scenario")),
      choice("Kind", "t-kind", [["", "all"], ["fresh", "fresh episodes of the verdict"], ["failed", "some check failed"], ["errored", "not measured"], ["cached", "from the cache"]], filter.kind, again("kind"))),
    el("p", { id: "t-count", "aria-live": "polite" }),
    el("div", { class: "split" }, el("div", {}, el("ol", { class: "list", id: "t-list" }), el("div", { class: "controls", id: "t-pages" })), el("div", { id: "t-shown" }, el("p", { class: "dim" }, "Choose an episode."))));
  fillList();
  if (filter.open !== null) fillTranscript(filter.open);
}

function episodesShown() {
  const kinds = { fresh: (row) => row.phase === "confirm" || row.phase === "held_out", failed: (row) => row.failed.length > 0, errored: (row) => row.score === null, cached: (row) => row.cached };
  return dossier.episode_rows.filter((row) => (filter.candidate === "" || row.candidate === Number(filter.candidate))
    && (filter.scenario === "" || row.scenario === filter.scenario) && (filter.kind === "" || kinds[filter.kind](row)) && (hits === null || hits.has(row.ordinal))).reverse();
}

function fillList() {
  const list = document.getElementById("t-list");
  if (!list) return;
  const rows = episodesShown();
  const pages = Math.max(1, Math.ceil(rows.length / PAGE));
  filter.page = Math.min(filter.page, pages - 1);
  document.getElementById("t-count").textContent = `${rows.length} episodes, the newest first${hits ? ` with “${filter.text}”` : ""}.`;
  list.replaceChildren(...rows.slice(filter.page * PAGE, (filter.page + 1) * PAGE).map((row) => el("li", {},
    el("button", { type: "button", "aria-current": row.ordinal === filter.open ? "true" : null, "data-ordinal": row.ordinal, onclick: () => { filter.open = row.ordinal; fillList(); fillTranscript(row.ordinal); } },
      `${row.scenario} `, el("strong", {}, row.score === null ? NOT_MEASURED : score(row.score)), el("br"),
      el("span", { class: "dim" }, `event ${row.ordinal}, ${shortOf(row.candidate)}${roleOf(row.candidate)}, repeat ${row.repeat}`),
      row.phase === "confirm" ? el("span", { class: "tag" }, "fresh") : "", row.cached ? el("span", { class: "tag" }, "cached") : "", row.outcome === "finished" ? "" : el("span", { class: "tag" }, row.outcome)))));
  const turn = (by, text) => el("button", { type: "button", disabled: filter.page + by < 0 || filter.page + by >= pages, onclick: () => { filter.page += by; fillList(); } }, text);
  document.getElementById("t-pages").replaceChildren(turn(-1, "Newer"), el("span", {}, `page ${filter.page + 1} of ${pages}`), turn(1, "Older"));
}

async function fillTranscript(ordinal) {
  const shown = document.getElementById("t-shown");
  const row = dossier.episode_rows.find((one) => one.ordinal === ordinal);
  try {
    const [episode, common] = [await episodeOf(ordinal), await commonLines];
    if (filter.open !== ordinal) return;
    shown.replaceChildren(...(row ? facts(row) : []), ...(episode ? messages(episode, common) : [el("p", {}, "No transcript was kept.")]));
  } catch (error) {
    shown.replaceChildren(el("p", {}, error.message));
  }
}

function facts(row) {
  const checks = dossier.grid.checks.map((check, place) => ({ check, place })).filter(({ check }) => check.scenario === row.scenario);
  const passed = checks.filter(({ place }) => !row.failed.includes(place));
  const failed = checks.filter(({ place }) => row.failed.includes(place));
  return [
    el("h2", { id: "t-title" }, `Event ${row.ordinal}: ${row.scenario} with ${shortOf(row.candidate)}`),
    el("p", {}, `${row.outcome}; score ${score(row.score)}; ${row.tool_calls} tool calls${row.took_ms === null ? "" : `; ${(row.took_ms / 1000).toFixed(1)} s`}.`),
    row.problem ? el("p", { class: "failed" }, row.problem) : "",
    row.score === null ? "" : el("details", {}, el("summary", {}, `${passed.length} checks passed, ${failed.length} failed`),
      el("ul", {}, failed.map(({ check, place }) => el("li", { class: "failed" }, "failed: ", linkTo(check.check, () => showCheck(place, row.candidate)))),
        passed.map(({ check }) => el("li", {}, `passed: ${check.check}`)))),
  ];
}

function messages(episode, common) {
  const text = (lines) => marked(textOf(episode, lines, common));
  const box = (lines) => el("div", { class: "text", tabindex: "0" }, ...text(lines));
  const parts = episode.messages.map(([kind, lines, more, failed]) => {
    if (kind === "user") return el("article", { class: "message user" }, el("h3", {}, "User"), box(lines));
    if (kind === "tool") {
      return el("article", { class: `message tool${failed ? " error" : ""}` },
        el("details", { open: hits !== null }, el("summary", {}, `Answer of ${more}${failed ? " (an error)" : ""}, ${lines.length} lines`), box(lines)));
    }
    return el("article", { class: "message assistant" }, el("h3", {}, "Agent"), lines.length ? box(lines) : "",
      more.map(([tool, given]) => el("div", {}, el("span", { class: "dim" }, `calls ${tool} `), el("code", {}, ...text(given)))));
  });
  return parts.length ? parts : [el("article", { class: "message assistant" }, el("h3", {}, "Answer"), box(episode.answer))];
}

/** A text with what is searched for marked. */
function marked(text) {
  const wanted = filter.text.toLowerCase();
  if (!hits || !wanted) return [text];
  const [parts, low] = [[], text.toLowerCase()];
  let at = 0;
  for (let found = low.indexOf(wanted); found >= 0 && parts.length < 400; found = low.indexOf(wanted, at)) {
    parts.push(text.slice(at, found), el("mark", {}, text.slice(found, found + wanted.length)));
    at = found + wanted.length;
  }
  return [...parts, text.slice(at)];
}

let waiting = 0;
function searchSoon(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => search(text), 200);
}

/** Looks through all transcripts, those beside the page too. */
async function search(text) {
  const number = ++searches;
  [filter.text, filter.page] = [text, 0];
  if (!text.trim()) { hits = null; fillList(); return; }
  const found = new Set();
  const wanted = text.toLowerCase();
  commonLines ??= block("pool");
  const common = await commonLines;
  const commonHits = new Set(common.flatMap((line, at) => (line.toLowerCase().includes(wanted) ? [at] : [])));
  let missing = 0;
  for (const entry of chunkIndex) {
    try {
      for (const episode of (await chunk(entry)).values()) if (has(episode, wanted, commonHits)) found.add(episode.ordinal);
    } catch { missing += entry.ordinals.length; }
    if (number !== searches) return;
  }
  hits = found;
  fillList();
  if (missing) document.getElementById("t-count").textContent += ` ${missing} transcripts that should lie beside this page are missing.`;
}

function has(episode, wanted, commonHits) {
  const lineHas = (line) => (line >= 0 ? commonHits.has(line) : episode.pool[-1 - line].toLowerCase().includes(wanted));
  return episode.messages.some(([kind, lines, more]) => lines.some(lineHas) || (kind === "assistant" && more.some(([tool, given]) => tool.includes(wanted) || given.some(lineHas))))
    || episode.answer.some(lineHas);
}

function showTranscript(ordinal) {
  filter.open = ordinal;
  document.getElementById("detail").close();
  goAnew("transcripts");
}

function showEpisodesOf(place) {
  Object.assign(filter, { candidate: String(place), scenario: "", kind: "", page: 0 });
  goAnew("transcripts");
}
