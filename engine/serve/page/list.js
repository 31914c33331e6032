// The list of runs, newest first.

const listView = {
  shown: [], next: null, filter: { q: "", state: "" }, stream: null,

  async open(view) {
    if (!view.querySelector(".controls")) this.build(view);
    await this.read(50);
    this.stream = new Stream("/events", this.change, (change) => this.changed(change), () => this.read(this.shown.length || 50));
  },

  close() { this.stream?.close(); this.stream = null; clearTimeout(this.later); },

  build(view) {
    const search = el("input", { type: "search", id: "q", autocomplete: "off", oninput: (event) => { this.filter.q = event.target.value; this.readSoon(250); } });
    this.select = el("select", { id: "state", onchange: (event) => { this.filter.state = event.target.value; this.readSoon(0); } });
    this.list = el("ul", { class: "runs", id: "runs" });
    this.count = el("p", { class: "dim", id: "count", role: "status" });
    this.more = acting("Show more", "", async () => { await this.read(50, this.next); });
    this.more.id = "more";
    view.append(el("div", { class: "controls" }, el("label", { for: "q" }, "Find", search), el("label", { for: "state" }, "State", this.select)),
      this.count, this.list, el("div", { class: "actions" }, this.more));
  },

  readSoon(wait) {
    clearTimeout(this.later);
    this.later = setTimeout(() => this.read(50).catch(showTrouble), wait);
  },

  /** Reads from the beginning, or what follows a cursor. */
  async read(limit, cursor = null) {
    const asked = (this.asked = (this.asked ?? 0) + 1);
    const query = new URLSearchParams({ limit: String(Math.min(limit, 500)) });
    if (cursor) query.set("cursor", cursor);
    for (const [name, value] of Object.entries(this.filter)) if (value) query.set(name, value);
    const page = await ask("GET", `/runs?${query}`);
    if (asked !== this.asked) return;
    showTrouble(null);
    this.next = page.next;
    if (!cursor) { this.shown = []; this.change = page.change; }
    const items = page.runs.map((row) => { const item = el("li", {}); this.fill(item, row); return { row, item }; });
    this.shown.push(...items);
    if (cursor) this.list.append(...items.map(({ item }) => item)); else this.keepFocus(() => this.list.replaceChildren(...items.map(({ item }) => item)));
    this.tell(page);
    if (cursor) items[0]?.item.querySelector("a").focus();
  },

  keepFocus(act) {
    const href = document.activeElement?.closest?.("#runs a")?.getAttribute("href");
    act();
    if (href) [...this.list.querySelectorAll("a")].find((link) => link.getAttribute("href") === href)?.focus();
  },

  tell(page) {
    this.more.hidden = page.next === null;
    const filtered = this.filter.q || this.filter.state;
    this.count.textContent = page.total === 0
      ? "No runs yet. “New run” starts one; so does `optimize --budget 200` in a terminal."
      : filtered ? `${page.matching} of ${page.total} runs` : `${page.total} ${page.total === 1 ? "run" : "runs"}, newest first`;
    const options = [["", "any"], ...Object.entries(STATES).filter(([state]) => page.states[state]).map(([state, words]) => [state, `${words} (${page.states[state]})`])];
    this.select.replaceChildren(...options.map(([value, text]) => el("option", { value, selected: value === this.filter.state }, text)));
  },

  changed({ runs, gone }) {
    let unknown = gone.length > 0;
    for (const row of runs) {
      const known = this.shown.find((one) => one.row.id === row.id);
      if (!known) { unknown ||= !this.shown.length || row.id > this.shown.at(-1).row.id; continue; }
      if (known.row.state !== row.state) { say(`Run ${row.id} is ${STATES[row.state]}.`); unknown = true; }
      known.row = row;
      this.keepFocus(() => this.fill(known.item, row));
    }
    if (unknown) this.readSoonFrom();
  },

  readSoonFrom() {
    clearTimeout(this.later);
    this.later = setTimeout(() => this.read(Math.max(50, this.shown.length)).catch(showTrouble), 300);
  },

  fill(item, row) {
    const done = row.scored + row.unmeasured;
    const verdict = row.verdict ? [row.verdict.words, row.verdict.difference ? `; difference ${measure(row.verdict.difference, signed)}` : ""].join("") : null;
    const best = row.best ? `${row.best.is_incumbent ? "the pack to beat" : `pack ${short(row.best.candidate)}`} at ${measure(row.best.objective)}` : NOT_MEASURED;
    item.replaceChildren(
      el("div", {}, el("h2", {}, el("a", { href: `#/run/${encodeURIComponent(row.id)}` }, row.id)), el("p", { class: "dim" }, row.started_ms ? momentOf(row.started_ms) : "")),
      el("div", {}, badge(row), el("p", {}, verdict ?? row.note ?? `best so far: ${best}`)),
      el("div", {}, row.budget ? el("p", {}, `${done} of ${row.budget} episodes`) : null,
        row.state !== "finished" && row.budget ? el("progress", { value: done, max: row.budget, "aria-label": `episodes of run ${row.id}` }) : null,
        el("p", { class: "dim" }, row.suite ? `${row.suite}, ${row.model}` : "")),
      el("div", {}, el("p", {}, row.suite ? spentOf(row.spent) : ""), el("p", { class: "dim" }, row.left_ms ? `about ${timeOf(row.left_ms)} left` : row.suite ? `${timeOf(row.worked_ms)} at work` : "")));
  },
};
