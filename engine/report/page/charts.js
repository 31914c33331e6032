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

function redrawAll() {
  const view = document.querySelector(".view:not([hidden])");
  if (view) drawCharts(view);
}

let pending = 0;
window.addEventListener("resize", () => { cancelAnimationFrame(pending); pending = requestAnimationFrame(redrawAll); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
