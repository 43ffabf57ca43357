// Draws each <table data-chart="bars|lines"> into the .chart of the same <figure>. The table stays the truth: its row
// headers name the points, a column whose header has data-series ("main" or "usual") holds grams in data-value, and
// data-state of a row says what they are worth. Shown in kilograms or tonnes, whichever suits.
const MARKS = { gap: "✕", outage: "!", silent_meter: "!", part: "!", slight: "·", slight_part: "·", fall: "▼", running: "…" };
const PLAIN = ["complete", "reported", "fall"]; // other bars are paler or hatched: they may be short because nobody listened
const TONNES = 10_000_000; // grams from which on they read better
const charts = new WeakMap();

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--krds-light-color-${name}`).trim();
const told = (cell) => cell.textContent.trim().replace(/\s+/g, " ");

function read(table) {
  const headers = [...table.tHead.rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const value = (cell) => (cell.dataset.value ? Number(cell.dataset.value) : null);
  return {
    kind: table.dataset.chart,
    names: rows.map((row) => row.cells[0].dataset.short ?? told(row.cells[0])),
    stories: rows.map((row) => headers.map((header, n) => (n ? `${told(header)} ` : "") + told(row.cells[n])).join(" · ")),
    states: rows.map((row) => row.dataset.state ?? "complete"),
    series: headers.flatMap((header, n) =>
      header.dataset.series ? [{ style: header.dataset.series, values: rows.map((row) => value(row.cells[n])) }] : [],
    ),
  };
}

const columns = (shown) => [shown.names.map((_, n) => n), ...shown.series.map((one) => one.values)];

function hatch(color) {
  const tile = Object.assign(document.createElement("canvas"), { width: 6, height: 6 });
  const pen = tile.getContext("2d");
  pen.strokeStyle = color;
  pen.lineWidth = 1.5;
  for (const x of [-6, 0, 6]) {
    pen.moveTo(x, 6);
    pen.lineTo(x + 6, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}

// What could not be heard: a band across the whole height for a gap, and a mark above all that is not plain.
function mark(plot, { states }) {
  const { ctx, bbox } = plot;
  const width = plot.valToPos(1, "x", true) - plot.valToPos(0, "x", true);
  const size = 13 * devicePixelRatio;
  ctx.save();
  ctx.textAlign = "center";
  ctx.font = `bold ${size}px sans-serif`;
  states.forEach((state, n) => {
    if (!MARKS[state]) return;
    const x = plot.valToPos(n, "x", true);
    if (state === "gap") {
      ctx.fillStyle = token("surface-danger-subtler");
      ctx.fillRect(x - width / 2, bbox.top, width, bbox.height);
    }
    ctx.fillStyle = token(state === "running" ? "text-subtle" : "text-danger");
    if (width > size || states[n - 1] !== state) ctx.fillText(MARKS[state], x, bbox.top + size);
  });
  ctx.restore();
}

function styled({ style }, shown) {
  if (style === "usual") return { stroke: token("text-point"), width: 2, dash: [6, 4], points: { show: false } };
  const color = token("button-primary-fill");
  if (shown().kind === "lines") return { stroke: color, width: 2, points: { show: false } };
  const striped = hatch(color);
  const pale = token("button-secondary-fill-pressed");
  const fill = (state) => (PLAIN.includes(state) ? color : state.startsWith("slight") ? pale : striped);
  const values = () => shown().states.map(fill);
  return { fill: color, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.7, 48], disp: { fill: { unit: 3, values } } }) };
}

function labelled({ names }, width) {
  const longest = 8 * Math.max(...names.map((name) => name.length)) + 16;
  const step = Math.ceil((names.length * longest) / (width - 70));
  return names.map((_, n) => n).filter((n) => n % step === 0);
}

function options(box, shown, tell) {
  const most = Math.max(...shown().series.flatMap((one) => one.values));
  const [grams, unit] = most < TONNES ? [1e3, "kg"] : [1e6, "t"];
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: most < 2 * grams ? 2 : most < 10 * grams ? 1 : 0 });
  const axis = { stroke: token("text-subtle"), ticks: { show: false }, font: `12px ${getComputedStyle(box).fontFamily}` };
  return {
    width: box.clientWidth,
    height: box.clientWidth < 600 ? 200 : 260,
    padding: [20, 8, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false }, y: false },
    scales: {
      x: { time: false, range: () => [-0.6, shown().names.length - 0.4] },
      y: { range: (_plot, _least, highest) => [0, (highest || 1000) * 1.1] },
    },
    axes: [
      { ...axis, size: 30, grid: { show: false }, splits: (plot) => labelled(shown(), plot.width), values: (_plot, at) => at.map((n) => shown().names[n]) },
      { ...axis, size: 64, grid: { stroke: token("divider-gray-light"), width: 1 }, values: (_plot, at) => at.map((value) => `${number.format(value / grams)} ${unit}`) },
    ],
    series: [{}, ...shown().series.map((one) => styled(one, shown))],
    hooks: { drawClear: [(plot) => mark(plot, shown())], setCursor: [(plot) => tell(shown().stories[plot.cursor.idx] ?? "")] },
  };
}

function draw(table) {
  const box = table.closest("figure").querySelector(".chart");
  const shown = read(table);
  const known = charts.get(box);
  if (known && known.shown.kind === shown.kind && known.shown.names.join() === shown.names.join()) {
    known.shown = shown;
    known.plot.setData(columns(shown));
    return;
  }
  known?.plot.destroy();
  box.replaceChildren();
  if (!shown.names.length) return;
  const story = Object.assign(document.createElement("p"), { className: "story" });
  box.append(story); // an empty box has no width
  const chart = { shown };
  chart.plot = new uPlot(options(box, () => chart.shown, (text) => (story.textContent = text)), columns(shown), box);
  box.append(story);
  charts.set(box, chart);
  new ResizeObserver(() => box.clientWidth && chart.plot.setSize({ width: box.clientWidth, height: chart.plot.height })).observe(box);
  if (!known) table.closest("details[data-folds]")?.removeAttribute("open");
}

const drawAll = () => document.querySelectorAll("table[data-chart]").forEach(draw);

drawAll();
document.addEventListener("htmx:after:swap", drawAll);
