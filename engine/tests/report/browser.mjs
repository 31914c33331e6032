// Drives a report in a browser with the network off, and says everything that is wrong with it.
//
//     node browser.mjs MODULES REPORT_FOLDER [--beside] [--shots FOLDER]
//
// MODULES holds playwright-core and axe-core; REPORT_FOLDER has report.html and report.json. With --beside some
// transcripts must lie beside the page. Prints one line for each thing that was looked at; exit code 1 when any of
// them is wrong.
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, folder, ...options] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const shots = options.includes("--shots") ? options[options.indexOf("--shots") + 1] : null;
const report = JSON.parse(readFileSync(join(folder, "report.json"), "utf8"));
const address = pathToFileURL(resolve(folder, "report.html")).href;
const VIEWS = { 1: "summary", 2: "scores", 3: "cost", 4: "scenarios", 5: "checks", 6: "lineage", 7: "sentences", 8: "diff", 9: "transcripts", 0: "repeat" };

let wrong = 0;
function check(what, holds, more = "") {
  if (!holds) wrong++;
  console.log(`${holds ? "ok" : "WRONG"}  ${what}${holds || more === "" ? "" : `: ${more}`}`);
}

/** The number as the page must show it. */
function shown(pointer, form) {
  const value = pointer.split("/").slice(1).reduce((at, key) => at[key], report);
  if (form === "signed") return (value < 0 ? "" : "+") + value.toFixed(3);
  if (form === "score") return value.toFixed(3);
  if (form === "percent") return `${(100 * value).toFixed(0)} %`;
  if (form === "probability") return value > 0.995 ? "over 99 %" : value < 0.005 ? "under 1 %" : `${(100 * value).toFixed(0)} %`;
  return String(value);
}

const estimate = (value, number) => {
  if (value === null) return "not measured";
  const { interval } = value;
  return interval ? `${number(value.value)} (${number(interval.low)} to ${number(interval.high)})` : `${number(value.value)} (no interval)`;
};
const score = (value) => (value === null ? "not measured" : value.toFixed(3));
const signed = (value) => (value < 0 ? "" : "+") + value.toFixed(3);

const program = process.env.PATH.split(delimiter).map((one) => join(one, "chromium")).find(existsSync);
const browser = await chromium.launch({ executablePath: program, chromiumSandbox: false });

/** A fresh page with what goes wrong in it. */
async function open(width, height, colorScheme) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, offline: true, reducedMotion: "reduce" });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) problems.push(message.text()); });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => { if (!/^(file|data):/.test(request.url())) problems.push(`asked for ${request.url()}`); });
  page.on("dialog", (dialog) => { problems.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(address);
  await page.waitForFunction(() => document.documentElement.dataset.ready === "yes");
  return { page, problems, close: () => context.close() };
}

async function visible(page, selector) {
  return page.locator(selector).first().isVisible().catch(() => false);
}

/** Presses a view's key, and waits until it is shown. */
async function press(page, key) {
  await page.keyboard.press(key);
  await page.locator(`#${VIEWS[key] ?? "transcripts"}`).waitFor({ state: "visible" });
  await page.locator(`#views a[href="#${VIEWS[key] ?? "transcripts"}"][aria-current]`).waitFor();
}

async function texts(page, selector) {
  return page.locator(selector).allTextContents();
}

async function numbersEqual(page) {
  const spans = await page.locator("[data-from]").evaluateAll((all) => all.map((one) => [one.dataset.from, one.dataset.form, one.textContent]));
  const off = spans.filter(([pointer, form, text]) => shown(pointer, form) !== text);
  check(`${spans.length} numbers of the first screen equal report.json`, spans.length >= 4 && off.length === 0, JSON.stringify(off));
  check("the verdict sentence is report.json's", (await texts(page, "#summary-title"))[0] === report.headline.sentence);
  check("every warning is shown", JSON.stringify(await texts(page, ".warnings li")) === JSON.stringify(report.headline.warnings));
}

/** The rows of the first table in a view, as texts. */
async function rows(page, selector) {
  return page.locator(selector).first().locator("tbody tr").evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
}

async function tablesEqual(page) {
  await press(page, "4");
  const bars = [...report.bars.scenarios, ...report.bars.categories];
  const table = [...await rows(page, "#scenarios table >> nth=0"), ...await rows(page, "#scenarios table >> nth=1")];
  const expected = bars.map((bar) => [bar.name + (bar.held_out ? " (held out)" : ""), estimate(bar.incumbent, score), estimate(bar.finalist, score), estimate(bar.difference, signed), score(bar.idle)]);
  check(`${bars.length} bars have report.json's numbers in their tables`, JSON.stringify(table) === JSON.stringify(expected), JSON.stringify(table[0]) + JSON.stringify(expected[0]));
  await press(page, "5");
  const cells = await rows(page, "#checks table");
  const tally = (candidate, place) => {
    const cell = candidate === null ? undefined : report.grid.cells[candidate].find(([check]) => check === place);
    return cell ? `${cell[1]}/${cell[2]}` : "not run";
  };
  const places = new Map(report.grid.checks.map((one, place) => [`${one.scenario}/${one.check}`, place]));
  const off = cells.filter((row) => row[3] !== tally(report.incumbent_place, places.get(row[0])) || row[4] !== tally(report.finalist_place, places.get(row[0])));
  check(`${cells.length} checks have report.json's counts`, cells.length > 0 && off.length === 0, JSON.stringify(off[0]));
  await press(page, "7");
  check("every sentence of the policy is traced", (await rows(page, "#blame")).length === report.blame.length && report.blame.length > 0);
  await press(page, "2");
  const best = await page.locator("#scores table").first().locator("tbody tr").count();
  check("every point of the best so far is in its table", best === report.best.length);
  await press(page, "3");
  const points = await page.locator("#cost table").first().locator("tbody tr").count();
  check("every point of the cost is in its table", points === report.cost.points.length);
}

/** Each thing that the report promises, from the first screen, in two presses or clicks. */
async function pathsWork(page) {
  const fromStart = async (what, first, second, ...there) => {
    await press(page, "1");
    await press(page, first);
    if (second) await second();
    for (const selector of there) {
      await page.locator(selector).first().waitFor({ state: "visible", timeout: 5000 }).catch(() => {});
      check(`${what}: ${selector}`, await visible(page, selector));
    }
    if (await page.locator("#detail[open]").count()) await page.keyboard.press("Escape");
  };
  await fromStart("score over episodes", "2", null, "#scores .chart[data-drawn] canvas");
  await fromStart("all candidates", "2", () => page.locator("#scores summary").nth(1).click(), "#scores details[open] table");
  await fromStart("cost over time", "3", null, "#cost .chart[data-drawn] canvas", "#dollars");
  await fromStart("scenarios and categories", "4", null, "#scenarios .chart[data-drawn] >> nth=1");
  await fromStart("heat map", "5", null, "#heat .chart[data-drawn] canvas");
  if (report.failures.length) {
    const worst = report.grid.checks[report.failures[0].check];
    const button = page.locator("#checks td button", { hasText: /^0\// }).first();
    await fromStart("a failed check", "5", () => button.click(), "#detail[open] #explained", "#detail[open] #detail-tally", "#detail[open] #since");
    await press(page, "5");
    await page.locator("#checks tbody th button", { hasText: `${worst.scenario}/${worst.check}` }).first().click();
    await page.waitForFunction(() => document.getElementById("seen")?.textContent !== "…");
    const seen = await page.locator("#seen").textContent();
    const { exhibit, detail, episode } = report.failures[0];
    check("the failed check shows what was seen", seen.includes(exhibit ? exhibit.found.slice(0, 20) : `event ${episode}`), seen);
    check("the failed check has the score's words", seen.includes(detail.trim().slice(0, 30)), seen);
    if (worst.pattern !== null) check("the failed check has its pattern", (await page.locator("#pattern").textContent()) === worst.pattern);
    await page.locator("#seen button").click();
    await page.locator("#t-title").waitFor({ state: "visible" });
    check("its transcript is one press further", (await page.locator("#t-title").textContent()).startsWith(`Event ${episode}:`));
  }
  await fromStart("lineage tree", "6", null, "#lineage .chart[data-drawn] canvas");
  await fromStart("sentence-level blame", "7", null, "#blame tbody tr");
  await fromStart("prompt diff", "8", () => page.selectOption("#diff-after", String(report.candidates.length - 1)), "#diff-lines li");
  await fromStart("transcripts with tool calls", "9", () => page.locator("#t-list button").first().click(), "#t-shown .message.user", "#t-shown .message.tool");
  await fromStart("search", "/", () => page.keyboard.type("the"), "#t-list button");
  await page.waitForFunction(() => document.getElementById("t-count").textContent.includes("with “the”"));
  check("the search finds some", !(await page.locator("#t-count").textContent()).startsWith("0 "));
  await page.locator("#search").fill("surely nobody ever wrote these words");
  await page.waitForFunction(() => document.getElementById("t-count").textContent.includes("nobody"));
  check("and finds nothing that is not there", (await page.locator("#t-count").textContent()).startsWith("0 episodes"));
  await page.locator("#search").fill("");
  await page.locator("#views a").first().click();
  await fromStart("everything to repeat it", "0", null, "#repeat table >> nth=1");
  const repeat = await page.locator("#repeat").textContent();
  for (const value of [report.repeat.suite_hash, String(report.repeat.seed), report.repeat.prompt_hash, report.repeat.incumbent]) check(`it has ${value.slice(0, 12)}`, repeat.includes(value));
}

async function heatMapSorts(page) {
  await press(page, "5");
  const keys = { lost: (one) => one.lost, flakiness: (one) => one.flakiness, newly_broken: (one) => one.newly_broken };
  for (const [key, of] of Object.entries(keys)) {
    await page.selectOption("#heat-sort", key);
    const order = report.grid.checks.filter((one) => of(one) !== null).sort((a, b) => of(b) - of(a));
    const first = order.length ? (await rows(page, "#checks table"))[0][0] : null;
    check(`sorted by ${key}`, order.length === 0 || first === `${order[0].scenario}/${order[0].check}`, String(first));
  }
  const colours = await page.evaluate(() => {
    const { data } = echarts && [...drawn.entries()].find(([holder]) => holder.closest("#heat"))[1].option(800).series[0];
    return { cells: data.length, all: rowsShown().length * columnsShown().length };
  });
  check("what was not run has no cell", colours.cells <= colours.all, JSON.stringify(colours));
  await page.selectOption("#heat-sort", "lost");
}

async function nothingRan(page) {
  check("no text became a script", await page.evaluate(() => globalThis.pwned === undefined));
  check("no text became an image", (await page.locator("img, iframe, object, embed").count()) === 0);
}

async function isAccessible(page, where) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const serious = result.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  check(`axe finds nothing serious: ${where}`, serious.length === 0, JSON.stringify(serious.map(({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 160), nodes[0].failureSummary])));
}

async function everyViewIsFine(width, height, scheme) {
  const { page, problems, close } = await open(width, height, scheme);
  for (const [key, view] of Object.entries(VIEWS)) {
    await press(page, key);
    if (view === "transcripts") { await page.locator("#t-list button").first().click(); await page.locator("#t-title").waitFor(); }
    await page.waitForTimeout(150);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(`${view} fits ${width} pixels`, over <= 0, `${over} too wide`);
    if (view === "repeat") {
      const hidden = await page.locator("#repeat .wide").evaluateAll((all) => all.map((one) => one.scrollWidth - one.clientWidth));
      check(`every value of ${view} is seen at ${width} pixels`, hidden.every((pixels) => pixels <= 0), JSON.stringify(hidden));
    }
    await isAccessible(page, `${view}, ${width} pixels, ${scheme}`);
    if (shots) await page.screenshot({ path: join(shots, `${view}-${width}-${scheme}.png`) });
  }
  if (report.failures.length) {
    await press(page, "5");
    await page.locator("#checks tbody th button").first().click();
    await page.waitForFunction(() => document.getElementById("seen")?.textContent !== "…");
    await isAccessible(page, `a failed check, ${width} pixels, ${scheme}`);
    if (shots) await page.screenshot({ path: join(shots, `failure-${width}-${scheme}.png`) });
  }
  await nothingRan(page);
  check(`no errors at ${width} pixels, ${scheme}`, problems.length === 0, JSON.stringify(problems.slice(0, 3)));
  await close();
}

try {
  const { page, problems, close } = await open(1280, 900, "light");
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  console.log(`first paint after ${Math.round(paint)} ms, all of it ready after ${Math.round(await page.evaluate(() => performance.now()))} ms`);
  await numbersEqual(page);
  await tablesEqual(page);
  await pathsWork(page);
  await heatMapSorts(page);
  if (options.includes("--beside")) {
    const oldest = Math.min(...report.episode_rows.filter((row) => row.score !== null).map((row) => row.ordinal));
    check("transcripts lie beside the page", await page.evaluate((ordinal) => !document.getElementById(`chunk-${chunkIndex.find((one) => one.ordinals.includes(ordinal)).place}`), oldest));
    await page.evaluate((ordinal) => showTranscript(ordinal), oldest);
    await page.locator("#t-shown .message").first().waitFor({ timeout: 5000 }).catch(() => {});
    check("what lies beside the page is read", await visible(page, "#t-shown .message"));
  }
  await nothingRan(page);
  check("no errors on the way", problems.length === 0, JSON.stringify(problems.slice(0, 3)));
  await close();
  if (!options.includes("--beside")) for (const scheme of ["light", "dark"]) for (const [width, height] of [[1280, 900], [390, 844]]) await everyViewIsFine(width, height, scheme);
} catch (error) {
  check("the page can be driven", false, error.message);
}
await browser.close();
console.log(wrong === 0 ? "all is well" : `${wrong} things are wrong`);
process.exit(wrong === 0 ? 0 : 1);
