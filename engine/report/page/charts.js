// Charts, in the page's colours and with words for those who do not see them.

/** Charts that are shown, with what draws them again. */
const drawn = new Map();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/**
 * Draws a chart into a new element. `option` is called anew when colours or width change; `height` may depend on it.
 * `onclick` gets the data of a clicked mark.
 */
function chart(label, height, option, onclick) {
  const holder = el("div", { class: "chart", role: "img", "aria-label": label });
  holder.style.height = `${height}px`;
  drawn.set(holder, { option, onclick, instance: null });
  return holder;
}

/** Draws the charts of a view that has become visible. */
function drawCharts(view) {
  for (const [holder, state] of drawn) {
    if (!holder.isConnected) { state.instance?.dispose(); drawn.delete(holder); continue; }
    if (!view.contains(holder)) continue;
    if (!state.instance) {
      state.instance = echarts.init(holder);
      if (state.onclick) state.instance.on("click", state.onclick);
    }
    state.instance.resize();
    state.instance.setOption({ ...basics(), ...state.option(holder.clientWidth) }, true);
    holder.dataset.drawn = "yes";
  }
}

function basics() {
  return {
    animation: false,
    aria: { enabled: false },
    textStyle: { color: colour("ink"), fontFamily: "system-ui, sans-serif" },
    // Rich text is drawn on the canvas, so that nothing in it can become markup.
    tooltip: tooltip("item"),
  };
}

function tooltip(trigger, formatter) {
  return {
    trigger, formatter, renderMode: "richText", confine: true,
    backgroundColor: colour("raised"), borderColor: colour("line"), textStyle: { color: colour("ink"), fontSize: 12 },
  };
}

function axis(name, more = {}) {
  return {
    name, nameLocation: "middle", nameGap: 28, nameTextStyle: { color: colour("dim") },
    axisLabel: { color: colour("dim"), ...more.axisLabel }, axisLine: { lineStyle: { color: colour("line") } },
    splitLine: { lineStyle: { color: colour("line"), opacity: 0.5 } }, ...more.rest,
  };
}

function legend(names) {
  return { data: names, top: 0, left: "center", textStyle: { color: colour("ink") }, inactiveColor: colour("dim"), itemGap: 14 };
}

/** Intervals as bars with caps, drawn over a series of horizontal bars. `offset` shifts them as the bars are shifted. */
function intervals(name, values, at, count) {
  return {
    type: "custom", name, silent: true, z: 5, data: values, encode: { x: [1, 2], y: 0 },
    renderItem: (_, api) => {
      const [low, high] = [api.coord([api.value(1), api.value(0)]), api.coord([api.value(2), api.value(0)])];
      if (Number.isNaN(api.value(1))) return null;
      const band = api.size([0, 1])[1];
      const y = low[1] + (at - (count - 1) / 2) * (band * 0.72) / count;
      const style = { stroke: colour("ink"), lineWidth: 1.2 };
      const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
      return { type: "group", children: [line(low[0], y, high[0], y), line(low[0], y - 3, low[0], y + 3), line(high[0], y - 3, high[0], y + 3)] };
    },
  };
}

/** What can be read on a cell of this share. */
const inkOn = (share) => (share > 0.2 && share < 0.85 ? "#16191d" : "#ffffff");

/** Shares by rows and columns as colours. Cells are `{ x, y, share, text }`; what has no cell was not run. `tip` and `onclick` get x and y. */
function heatChart(label, names, columns, cells, tip, onclick) {
  const data = cells.map(({ x, y, share, text }) => ({ value: [x, y, share], text, label: { color: inkOn(share) } }));
  const option = (width) => {
    const left = Math.min(330, width * 0.4);
    const roomy = (width - left) / columns.length > 34;
    return {
      grid: { left, right: 8, top: 78, bottom: 8 },
      tooltip: tooltip("item", ({ data: one }) => `${tip(one.value[0], one.value[1])}\npassed ${one.text}`),
      xAxis: { type: "category", position: "top", data: columns, axisLabel: { rotate: 60, color: colour("ink"), interval: 0, fontSize: 11 }, axisLine: { show: false }, axisTick: { show: false } },
      yAxis: { type: "category", inverse: true, data: names, axisLine: { show: false }, axisTick: { show: false },
        axisLabel: { color: colour("ink"), interval: 0, width: left - 10, overflow: "truncate", fontSize: 12 } },
      visualMap: { show: false, min: 0, max: 1, dimension: 2, inRange: { color: [colour("low"), colour("middle"), colour("high")] } },
      series: [{ type: "heatmap", data, label: { show: roomy, formatter: ({ data: one }) => one.text, fontSize: 10 },
        itemStyle: { borderColor: colour("ground"), borderWidth: 1 }, emphasis: { itemStyle: { borderColor: colour("ink") } } }],
    };
  };
  const map = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Heat map; the table below has the same numbers" },
    chart(label, 90 + names.length * 22, option, onclick ? ({ data: one }) => { if (one) onclick(one.value[0], one.value[1]); } : undefined));
  if (columns.length > 40) map.firstChild.style.width = `${360 + columns.length * 18}px`;
  return map;
}

const heatLegend = () => el("ul", { class: "legend", "aria-label": "Legend" },
  el("li", {}, el("i", { class: "l-low" }), "always failed"), el("li", {}, el("i", { class: "l-middle" }), "sometimes"),
  el("li", {}, el("i", { class: "l-high" }), "always passed"), el("li", {}, el("i"), "not run"));

/**
 * Candidates as a tree from `root` on, each under its first parent; the line to `shown` is marked. Rows have `id` and `parents`. `name`, `tip` and
 * `onclick` get a place. Of many candidates those off the marked line are folded into the first of their branch.
 */
function lineageTree(label, rows, root, shown, good, name, tip, onclick) {
  const places = new Map(rows.map((row, place) => [row.id, place]));
  const path = new Set();
  for (let at = shown; at !== undefined && !path.has(at); at = places.get(rows[at].parents[0])) path.add(at);
  const children = new Map();
  rows.forEach((row, place) => {
    if (place === root) return;
    const parent = places.get(row.parents[0]) ?? root;
    children.set(parent, [...(children.get(parent) ?? []), place]);
  });
  const few = rows.length <= 60;
  const node = (place) => {
    const shade = place === good ? "good" : place === root ? "idle" : path.has(place) ? "after" : "before";
    return { name: name(place), place, collapsed: !few && !path.has(place), children: (children.get(place) ?? []).map(node),
      symbolSize: path.has(place) ? 12 : 7, itemStyle: { color: colour(shade), borderColor: colour(shade) }, lineStyle: { color: colour(path.has(place) ? "after" : "line"), width: path.has(place) ? 2.5 : 1 },
      label: { color: colour(path.has(place) ? "ink" : "dim"), fontWeight: path.has(place) ? "bold" : "normal" } };
  };
  const leaves = (place) => {
    const own = children.get(place) ?? [];
    return own.length === 0 || (!few && !path.has(place)) ? 1 : own.reduce((sum, child) => sum + leaves(child), 0);
  };
  const depth = (place) => 1 + Math.max(0, ...(!few && !path.has(place) ? [] : children.get(place) ?? []).map(depth));
  const option = () => ({
    tooltip: tooltip("item", ({ data }) => tip(data.place)),
    series: [{ type: "tree", data: [node(root)], orient: "LR", left: 70, right: 170, top: 24, bottom: 24, initialTreeDepth: -1,
      expandAndCollapse: false, symbol: "circle", label: { position: "top", distance: 5, fontSize: 11 }, leaves: { label: { position: "right" } }, lineStyle: { curveness: 0.4 }, emphasis: { disabled: true } }],
  });
  const tree = chart(label, 80 + leaves(root) * 24, option, onclick ? ({ data }) => { if (data) onclick(data.place); } : undefined);
  tree.style.minWidth = `${230 + depth(root) * 165}px`;
  const element = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Lineage tree; the table below has the same" }, tree);
  return { element, path: [...path].reverse(), few };
}

function redrawAll() {
  const view = document.querySelector(".view:not([hidden])");
  if (view) drawCharts(view);
}

let pending = 0;
window.addEventListener("resize", () => { cancelAnimationFrame(pending); pending = requestAnimationFrame(redrawAll); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
