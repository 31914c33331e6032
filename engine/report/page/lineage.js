// Who descends from whom, where every sentence comes from, and the difference between any two policies.

const diffShown = { before: null, after: null };

function lineageView(view) {
  const { candidates } = dossier;
  const shown = dossier.finalist_place ?? dossier.incumbent_place;
  const name = (place) => `${shortOf(place)} ${candidates[place].operator} ${candidates[place].objective ? score(candidates[place].objective.value) : ""}`;
  const tip = (place) => {
    const row = candidates[place];
    return `${shortOf(place)}${roleOf(place)}\n${row.operator}, ${row.episodes} episodes\nobjective ${estimate(row.objective)}\neffect of its edit ${belief(row.effect)}`;
  };
  const { element, path, few } = lineageTree("Tree of candidates from the pack to beat to the new pack. The table below has every candidate with its parent.",
    candidates, dossier.incumbent_place, shown, dossier.finalist_place, name, tip, showCandidate);
  view.append(
    el("p", {}, `${candidates.length} candidates; the line to ${shortOf(shown)} is marked.`, few ? "" : " Of other branches the first candidate stands for all that descend from it; the table has them all."),
    element,
    el("h2", {}, `The way to ${shortOf(shown)}`),
    table("From the pack to beat on", ["candidate", "operator", "what its writer said", "objective (90 % interval)", "effect of its edit", "diff"],
      path.map((place) => [shortOf(place) + roleOf(place), candidates[place].operator, candidates[place].said || "nothing", estimate(candidates[place].objective), belief(candidates[place].effect),
        candidates[place].parents.length ? linkTo("to its parent", () => showDiffOf(place)) : "none"]), 3),
    behind(`All ${candidates.length} candidates as a table`, candidateTable()));
}

function showCandidate(place) {
  const row = dossier.candidates[place];
  openDetail(`Candidate ${shortOf(place)}${roleOf(place)}`,
    el("p", {}, `${row.operator}${row.writer ? ` by ${row.writer}` : ""}; ${row.episodes} episodes; objective ${estimate(row.objective)}; effect of its edit ${belief(row.effect)}.`),
    row.said ? el("p", {}, `Its writer said: ${row.said}`) : null,
    el("p", {}, linkTo("Prompt diff to its parent", () => showDiffOf(place)), " · ", linkTo("Its episodes", () => showEpisodesOf(place))),
    el("h2", {}, "Its policy"), el("div", { class: "text", tabindex: "0" }, row.policy));
}

function sentencesView(view) {
  const shown = dossier.finalist_place ?? dossier.incumbent_place;
  const news = dossier.blame.filter((sentence) => sentence.candidate !== dossier.incumbent_place);
  view.append(
    el("p", {}, `${shortOf(shown)}${roleOf(shown)}: ${dossier.blame.length} sentences, ${news.length} of them new. The effect is that of the whole edit which brought a sentence, with its 90 % interval.`),
    el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Sentences and their origin" },
      el("table", { id: "blame" },
        el("caption", {}, "Every sentence with its origin"),
        el("thead", {}, el("tr", {}, ["sentence", "brought by", "operator", "effect of that edit"].map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, dossier.blame.map((sentence) => el("tr", { class: `sentence${sentence.candidate === dossier.incumbent_place ? "" : " new"}` },
          el("td", {}, sentence.text), el("td", {}, linkTo(shortOf(sentence.candidate), () => showCandidate(sentence.candidate))),
          el("td", {}, sentence.operator), el("td", {}, sentence.candidate === dossier.incumbent_place ? "there from the start" : belief(sentence.effect))))))));
}

function diffView(view) {
  diffShown.before ??= dossier.incumbent_place;
  diffShown.after ??= dossier.finalist_place ?? dossier.incumbent_place;
  const options = dossier.candidates.map((row, place) => [place, `${shortOf(place)} ${row.operator}${roleOf(place)}`]);
  const body = el("div", { id: "diff-body" });
  const fill = () => {
    const lines = lineDiff(dossier.candidates[diffShown.before].policy, dossier.candidates[diffShown.after].policy);
    const count = (kind) => lines.filter(([one]) => one === kind).length;
    body.replaceChildren(el("p", { "aria-live": "polite" }, `${count("added")} lines added, ${count("removed")} removed, ${count("equal")} equal.`), diffList(lines, "diff-lines"));
  };
  const pick = (side) => (value) => { diffShown[side] = Number(value); fill(); };
  view.append(el("div", { class: "controls" },
    choice("From", "diff-before", options, diffShown.before, pick("before")), choice("To", "diff-after", options, diffShown.after, pick("after"))), body);
  fill();
}

/** Shows what a candidate's edit changed. */
function showDiffOf(place) {
  const parent = dossier.candidates.findIndex((row) => row.id === dossier.candidates[place].parents[0]);
  [diffShown.before, diffShown.after] = [parent < 0 ? dossier.incumbent_place : parent, place];
  goAnew("diff");
}
