// Builds elements. Text only ever becomes text: nothing here makes markup of a string.

function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "onclick" || name === "onchange" || name === "oninput") element[name] = value;
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const NOT_MEASURED = "not measured";

function score(value) {
  return value === null || value === undefined ? NOT_MEASURED : value.toFixed(3);
}

function signed(value) {
  if (value === null || value === undefined) return NOT_MEASURED;
  return (value < 0 ? "" : "+") + value.toFixed(3);
}

/** A value with its interval. */
function estimate(value, number = score) {
  if (!value) return NOT_MEASURED;
  const { interval } = value;
  return interval ? `${number(value.value)} (${number(interval.low)} to ${number(interval.high)})` : `${number(value.value)} (no interval)`;
}

function belief(value) {
  return value ? `${signed(value.mean)} (${signed(value.low)} to ${signed(value.high)})` : NOT_MEASURED;
}

const shortOf = (place) => dossier.candidates[place].id.slice(0, 8);

function roleOf(place) {
  if (place === dossier.finalist_place) return " (new pack)";
  return place === dossier.incumbent_place ? " (pack to beat)" : "";
}

/** A table; cells may be texts or elements, and columns after `numbersFrom` are numbers. */
function table(caption, headers, rows, numbersFrom = 1) {
  const kind = (column) => (column >= numbersFrom ? "n" : null);
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {},
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, headers.map((header, column) => el("th", { scope: "col", class: kind(column) }, header)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, column) =>
        el(column === 0 ? "th" : "td", { scope: column === 0 ? "row" : null, class: kind(column) }, cell)))))));
}

function behind(title, ...content) {
  return el("details", {}, el("summary", {}, title), ...content);
}

function choice(label, id, options, selected, onchange) {
  const select = el("select", { id, onchange: (event) => onchange(event.target.value) },
    options.map(([value, text]) => el("option", { value, selected: String(value) === String(selected) }, text)));
  return el("label", { for: id }, label, select);
}

function linkTo(text, onclick) {
  return el("button", { type: "button", class: "link", onclick }, text);
}

/** The lines of two texts side by side: equal, added, removed. */
function lineDiff(before, after) {
  const [a, b] = [before.split("\n"), after.split("\n")];
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j]
        ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { lines.push(["equal", a[i]]); i++; j++; }
    else if (j >= b.length || (i < a.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) lines.push(["removed", a[i++]]);
    else lines.push(["added", b[j++]]);
  }
  return lines;
}

function diffList(lines, id) {
  const signs = { equal: "", added: "+", removed: "−" };
  return el("ol", { class: "diff", id }, lines.map(([kind, line]) =>
    el("li", { class: kind }, el("span", { class: "sign" }, signs[kind], kind === "equal" ? null : el("span", { class: "hear" }, ` ${kind}: `)), line)));
}
