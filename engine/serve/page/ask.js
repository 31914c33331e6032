// Asks the server: requests, streams of changes, and what goes wrong with them.

const API = "/api/v1";

class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? `the server answered ${status}`);
    this.status = status;
    this.fix = body?.fix ?? null;
  }
}

async function ask(method, path, body, headers = {}) {
  let answer;
  try {
    answer = await fetch(API + path, {
      method, headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, { detail: "the server does not answer", fix: "Is `optimize serve` still running, and the tunnel open?" });
  }
  if (answer.status === 401) { location.assign("/login"); throw new Problem(401, null); }
  const content = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Problem(answer.status, content);
  return content;
}

function problemBox(problem) {
  return el("p", { class: "problem" }, problem.message, problem.fix ? el("span", { class: "fix" }, problem.fix) : null);
}

function showTrouble(problem) {
  document.getElementById("trouble").replaceChildren(...(problem ? [problemBox(problem)] : []));
}

/** Says something to who does not see the page. */
function say(words) {
  document.getElementById("said").textContent = words;
}

/** Follows a stream while the page is visible; a browser has few connections for one server. */
class Stream {
  constructor(path, since, onchange, onreset) {
    Object.assign(this, { path, since, onchange, onreset });
    this.watch = () => (document.hidden ? this.pause() : this.open());
    document.addEventListener("visibilitychange", this.watch);
    this.watch();
  }

  open() {
    if (this.source) return;
    this.source = new EventSource(`${API}${this.path}?since=${encodeURIComponent(this.since ?? "")}`);
    const told = (words) => { document.getElementById("link").textContent = words; };
    this.source.onopen = () => told("live");
    this.source.onerror = () => {
      told("not connected");
      // What the browser does not try again by itself: an answer that is no stream.
      if (this.source?.readyState === EventSource.CLOSED) {
        this.pause();
        this.retry = setTimeout(() => this.watch(), 3000);
        // Who is not known any more is asked for the token.
        ask("GET", "/server").catch(() => null);
      }
    };
    const heard = (act) => (event) => { if (event.lastEventId) this.since = event.lastEventId; act(JSON.parse(event.data)); };
    this.source.addEventListener("change", heard((data) => this.onchange(data)));
    this.source.addEventListener("reset", heard(() => this.onreset()));
  }

  pause() {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
  }

  close() {
    document.removeEventListener("visibilitychange", this.watch);
    this.pause();
  }
}

/** A text that nobody else thinks of; also where the page has no secure context. */
function freshKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const STATES = {
  running: "running", pausing: "pausing", paused: "paused", concluding: "coming to its end", waiting: "waiting for a model",
  finished: "finished", cut_off: "cut off", unreadable: "cannot be read",
};

function timeOf(ms) {
  if (ms === null || ms === undefined) return "not known";
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const momentOf = (ms) => (ms === null || ms === undefined ? "not known" : new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }));

function countOf(count) {
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)} million` : count >= 1e4 ? `${Math.round(count / 1e3)} thousand` : String(count);
}

function spentOf(spent) {
  if (!spent) return NOT_MEASURED;
  if (spent.calls === 0) return "no calls to providers";
  const usd = spent.usd === null ? "not priced" : `$${spent.usd.toFixed(spent.usd < 1 ? 4 : 2)}`;
  return `${usd}, ${spent.tokens === null ? "tokens not known" : `${countOf(spent.tokens)} tokens`}`;
}

/** A measure with its interval. */
function measure(value, number = score) {
  if (!value) return NOT_MEASURED;
  return value.low === null ? number(value.value) : `${number(value.value)} (${number(value.low)} to ${number(value.high)})`;
}

const short = (hash) => hash.slice(0, 8);

function badge(row) {
  return el("span", { class: `state ${row.state}` }, STATES[row.state] ?? row.state);
}

/** Opens the dialog with a title and content; what had the focus gets it back. */
function openDialog(title, ...content) {
  const dialog = document.getElementById("detail");
  const close = el("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close");
  dialog.replaceChildren(close, el("h2", { id: "detail-title", tabindex: "-1" }, title), ...content.filter((part) => part !== null));
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("#detail-title").focus();
  return dialog;
}

/** A button that does something once, and tells what goes wrong. */
function acting(text, kind, act) {
  const button = el("button", { type: "button", class: kind }, text);
  button.onclick = async () => {
    if (button.disabled) return;
    button.disabled = true;
    try { await act(); } catch (problem) {
      const dialog = button.closest("dialog");
      dialog?.querySelectorAll(".problem").forEach((old) => old.remove());
      if (dialog) button.parentElement.before(el("div", { role: "alert" }, problemBox(problem))); else showTrouble(problem);
    }
    button.disabled = false;
  };
  return button;
}
