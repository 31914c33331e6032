// Drives the page of `optimize serve` in a headless browser: node browser.mjs MODULES URL TOKEN [SHOTS_FOLDER]
//
// Prints `open N` when the model is to answer N questions in all, and waits for a line; else one line for each thing that
// was looked at. Exit code 1 when any of them is wrong.
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline";

const [modules, url, token, shots] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

let wrong = 0;
function check(what, holds, more = "") {
  if (!holds) wrong++;
  console.log(`${holds ? "ok" : "WRONG"}  ${what}${holds || more === "" ? "" : `: ${more}`}`);
}

async function openGate(questions) {
  console.log(`open ${questions}`);
  await answers.next();
}

const program = process.env.PATH.split(delimiter).map((one) => join(one, "chromium")).find(existsSync);
const browser = await chromium.launch({ executablePath: program, chromiumSandbox: false });

/** A fresh browser that has entered the token. */
async function enter(width, height, colorScheme, problems) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: "reduce", acceptDownloads: true });
  const page = await context.newPage();
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) problems.push(message.text()); });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => { if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) problems.push(`asked for ${request.url()}`); });
  page.on("dialog", (dialog) => { problems.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(`${url}/`).catch((error) => problems.push(error.message));
  if (problems.some((one) => one.includes("401"))) problems.splice(0);
  await page.locator("#token").waitFor();
  return { page, context };
}

async function logIn(page) {
  await page.keyboard.type(token);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.documentElement.dataset.ready);
}

async function looksFine(page, where, width, scheme) {
  await page.waitForTimeout(150);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check(`${where} fits ${width} pixels`, over <= 0, `${over} too wide`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  check(`axe finds nothing serious: ${where}, ${width} pixels, ${scheme}`, serious.length === 0, JSON.stringify(serious.map(({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 160), nodes[0].failureSummary])));
  if (shots) await page.screenshot({ path: join(shots, `serve-${where.replaceAll(" ", "-")}-${width}-${scheme}.png`), fullPage: true });
}

const badge = (page) => page.locator("#view-run h1 .state").textContent();
const waitForState = (page, words) => page.waitForFunction((expected) => document.querySelector("#view-run h1 .state")?.textContent === expected, words, { timeout: 60000 });
const button = (page, name) => page.getByRole("button", { name, exact: true });

/** The page's own request, as its scripts make it. */
const api = (page, path) => page.evaluate(async (address) => (await fetch(address)).json(), `/api/v1${path}`);

async function wholeLife(page) {
  check("one run is listed", (await page.locator("#runs > li").count()) === 1, await page.locator("#count").textContent());
  // From the list to the form by keyboard alone.
  await page.locator("#to-start").focus();
  await page.keyboard.press("Enter");
  await page.locator("#o-budget").waitFor();
  check("what the server sets is no field", (await page.locator("#o-model").count()) === 0 && (await page.locator("#o-seed").count()) === 0);
  await page.locator("#o-budget").fill("3");
  await page.keyboard.press("Enter");
  await page.locator("#detail[open] .problem").waitFor();
  check("what decides nothing cannot be begun", (await page.locator("#begin").count()) === 0);
  await page.keyboard.press("Escape");
  await page.locator("#o-budget").fill("60");
  await page.locator("#options button[type=submit]").click();
  await page.locator("#begin").waitFor();
  check("what it costs at most is said first", (await page.locator("#detail").textContent()).includes("It costs at most"));
  check("and the command line", (await page.locator("#command").textContent()).endsWith("--budget=60"));
  await looksFine(page, "plan", 1280, "light");
  check("nothing is shown that is nothing", !/null|undefined|NaN/.test(await page.locator("#detail").textContent()));
  await page.locator("#begin").dblclick();
  await page.locator("#view-run h1 .state").waitFor();
  await openGate(4);
  const { total, runs } = await api(page, "/runs");
  check("pressed twice it is one run", total === 2, String(total));
  const { id } = runs[0];

  await page.waitForFunction(() => document.querySelectorAll("#rows tbody tr").length >= 3, null, { timeout: 60000 });
  check("it is running", (await badge(page)) === "running", await badge(page));
  check("its episodes are counted live", /^[34] of 60$/.test(await page.locator("#n-episodes").textContent()), await page.locator("#n-episodes").textContent());
  await openGate(9);
  await page.waitForFunction(() => document.querySelectorAll("#rows tbody tr").length >= 8, null, { timeout: 60000 });
  check("more of them come by themselves", true);
  const events = await page.locator("#rows tbody th").allTextContents();
  check("each of them once", new Set(events).size === events.length, events.join(" "));
  check("what is not known has words", !/null|undefined|NaN/.test(await page.locator("#view-run").innerText()));
  await looksFine(page, "running", 1280, "light");

  await button(page, "Pause").click();
  await page.waitForFunction(() => ["pausing", "paused"].includes(document.querySelector("#view-run h1 .state").textContent));
  console.log("open 4294967295");
  await answers.next();
  await waitForState(page, "paused");
  check("it is paused", true);
  await looksFine(page, "paused", 1280, "light");

  await button(page, "Change limits…").click();
  await page.locator("#tune-budget").fill("50");
  await page.keyboard.press("Enter");
  await page.getByText("Episodes in all: 60 → 50").waitFor();
  await button(page, "Change").click();
  await page.waitForFunction(() => document.getElementById("n-episodes").textContent.endsWith("of 50"));
  check("the budget is changed after it was shown", true);

  await button(page, "Stop…").click();
  await page.locator("#detail[open]").waitFor();
  await looksFine(page, "stop", 1280, "light");
  await button(page, "Cancel").click();
  check("who thinks better of it leaves the run alone", (await badge(page)) === "paused");
  await button(page, "Resume").click();
  await page.waitForFunction(() => document.querySelector("#view-run h1 .state").textContent !== "paused");
  // It may come to its end by itself meanwhile.
  if (await button(page, "Stop…").count()) {
    await button(page, "Stop…").click({ timeout: 5000 }).then(() => button(page, "Stop").click({ timeout: 5000 })).catch(() => {});
  }
  await waitForState(page, "finished");
  check("it is stopped, and its page says so by itself", true);
  if (await page.locator("#detail[open]").count()) await page.keyboard.press("Escape");
  const [report] = await Promise.all([page.context().waitForEvent("page"), page.locator("#to-report").click()]);
  await report.waitForFunction(() => document.documentElement.dataset.ready === "yes");
  check("its report opens", (await report.title()).startsWith(`Run ${id}`), await report.title());
  await report.close();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Episodes, CSV" }).click()]);
  const { episodes } = await api(page, `/runs/${id}`);
  check("its episodes are downloaded", readFileSync(await download.path(), "utf8").trim().split("\n").length === episodes + 1);
}

async function everyViewIsFine(page, width, scheme) {
  await page.goto(`${url}/#/`);
  await page.locator("#runs > li").first().waitFor();
  await looksFine(page, "list", width, scheme);
  await page.locator("#to-start").click();
  await page.locator("#options summary").click();
  await looksFine(page, "new run", width, scheme);
  const { runs } = await api(page, "/runs");
  for (const [name, { id }] of [["short", runs[0]], ["hostile", runs.at(-1)]]) {
    await page.goto(`${url}/#/run/${id}`);
    await page.locator("#rows tbody tr").first().waitFor();
    await page.locator("#curve summary").click();
    await looksFine(page, `${name} run`, width, scheme);
    check("the curve is drawn", (await page.locator("#curve .chart[data-drawn] canvas").count()) === 1);
    await page.locator("#lineage .chart[data-drawn] canvas").waitFor();
    check("checks are drawn", (await page.locator("#checks .chart[data-drawn] canvas").count()) > 0);
    await page.locator("#rows tbody button").first().click();
    await page.locator("#detail[open] .message").first().waitFor();
    await looksFine(page, `episode of the ${name} run`, width, scheme);
    await page.keyboard.press("Escape");
  }
  check("no text became a script", await page.evaluate(() => globalThis.pwned === undefined));
  check("no text became an image", (await page.locator("img, iframe, object, embed").count()) === 0);
}

async function numbersAreTheServers(page) {
  const { runs } = await api(page, "/runs");
  const { id } = runs.at(-1);
  await page.goto(`${url}/#/run/${id}`);
  await page.locator("#rows tbody tr").first().waitFor();
  const { run, best, scenarios } = await api(page, `/runs/${id}`);
  check("the best is the server's", (await page.locator("#n-best").textContent()) === (run.best ? run.best.objective.value.toFixed(3) : "not measured"));
  await page.locator("#curve summary").click();
  await page.locator("#curve tbody tr").first().waitFor();
  check("every point is in the table", (await page.locator("#curve tbody tr").count()) === best.points.length);
  check("every scenario is in its table", (await page.locator("#bars tbody tr").count()) === scenarios.length);
  const [{ checks, candidates }, lineage] = [await api(page, `/runs/${id}/checks`), await api(page, `/runs/${id}/lineage`)];
  await page.locator("#lineage tbody tr").first().waitFor({ state: "attached" });
  check("every check is in its table", (await page.locator("#checks tbody tr").count()) === checks.length);
  const tallies = await page.locator("#checks tbody tr").last().locator("td").allTextContents();
  const wanted = checks.at(-1).tallies.map((one) => (one ? `${one.passed}/${one.episodes}` : "not run"));
  check("tallies are the server's", candidates.length === wanted.length && tallies.slice(-wanted.length).join() === wanted.join(), tallies.join());
  check("the family is in its table", (await page.locator("#lineage tbody tr").count()) === lineage.candidates.length);
  const first = await page.locator("#rows tbody tr").first().textContent();
  await button(page, "Older").click();
  await page.waitForFunction((text) => document.querySelector("#rows tbody tr").textContent !== text, first);
  check("older episodes are a press away", await button(page, "Newest").isVisible());
  await page.selectOption("#e-outcome", "errored");
  await page.getByText("No such episodes.").waitFor();
  check("episodes are filtered", true);
  await page.goto(`${url}/#/`);
  await page.locator("#q").fill("surely no run is called so");
  await page.waitForFunction(() => document.querySelectorAll("#runs > li").length === 0);
  check("runs are found by text", (await page.locator("#count").textContent()).startsWith("0 of 2"));
  await page.goto(`${url}/#/run/nothing`);
  await page.locator("#trouble .problem").waitFor();
  check("a run that is not there is said", (await page.locator("#trouble").textContent()).includes("there is no run"));
}

try {
  const problems = [];
  const { page, context } = await enter(1280, 900, "light", problems);
  await looksFine(page, "token", 1280, "light");
  await page.keyboard.type("not the token at all");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  check("a wrong token is said", (await page.getByRole("alert").textContent()).includes("not the token"));
  problems.splice(0);
  await page.locator("#token").focus();
  await logIn(page);
  await wholeLife(page);
  // A run that ended just before it was told to stop answers 409, of which the browser tells.
  const wrong = problems.splice(0).filter((one) => !one.includes("409"));
  check("no errors on the way", wrong.length === 0, JSON.stringify(wrong.slice(0, 3)));
  await numbersAreTheServers(page);
  // The browser itself tells of the answer 404.
  const others = problems.filter((one) => !one.includes("404"));
  check("no errors but of what is not there", others.length === 0, JSON.stringify(others.slice(0, 3)));
  await context.close();
  for (const scheme of ["light", "dark"]) for (const [width, height] of [[1280, 900], [390, 844]]) {
    const seen = [];
    const { page: other, context: theirs } = await enter(width, height, scheme, seen);
    await looksFine(other, "token", width, scheme);
    await logIn(other);
    await everyViewIsFine(other, width, scheme);
    check(`no errors at ${width} pixels, ${scheme}`, seen.length === 0, JSON.stringify(seen.slice(0, 3)));
    await theirs.close();
  }
} catch (error) {
  check("the page can be driven", false, error.message);
}
await browser.close();
console.log(wrong === 0 ? "all is well" : `${wrong} things are wrong`);
process.exit(wrong === 0 ? 0 : 1);
