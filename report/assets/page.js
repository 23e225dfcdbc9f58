"use strict";
// Draws the charts from the data that the page carries and sorts its tables. Loads nothing.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const color = (name) => getComputedStyle(root).getPropertyValue("--" + name).trim();
// Hover texts may hold names that come from data, and Plotly reads some markup in them.
const plain = (texts) =>
  texts.map((text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"));

function layout(axes) {
  const axis = { gridcolor: color("line"), zerolinecolor: color("line"), linecolor: color("line"), automargin: true };
  const filled = Object.fromEntries(
    Object.entries(axes).map(([name, extra]) => [name, { ...axis, ...extra }]),
  );
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: color("ink"), family: getComputedStyle(document.body).fontFamily, size: 12 },
    margin: { l: 64, r: 16, t: 28, b: 46 }, hovermode: "x",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: color("soft"), activecolor: color("ink") },
    hoverlabel: { bgcolor: color("card"), bordercolor: color("line"), font: { color: color("ink") } },
    legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.08, font: { size: 11 } },
    ...filled,
  };
}

function line(x, y, name, hue, extra) {
  return { type: "scatter", mode: "lines", x, y, name, line: { color: color(hue), width: 1.4 }, ...extra };
}

// As many decimals as the largest value needs, so that no two ticks of an axis read the same.
function percentFormat(values) {
  const largest = 100 * Math.max(...values.map(Math.abs), 1e-6);
  return `.${Math.max(0, Math.ceil(-Math.log10(largest))) + 1}%`;
}

// Plotly would lay a constant in the middle of an axis of its own making.
function equityRange(values) {
  const low = Math.min(...values), high = Math.max(...values);
  return high > low ? {} : { range: [low * 0.99, high * 1.01] };
}

const TIME = { type: "date", hoverformat: "%Y-%m-%d %H:%M:%S" };

function drawEquity(place) {
  const { ts, equity, drawdown } = data.equity;
  const traces = [];
  if (data.other) traces.push(line(data.other.ts, data.other.equity, data.labels.other, "other"));
  traces.push(line(ts, equity, data.other ? data.labels.this : "equity", "this"));
  if (data.other) {
    traces.push(line(data.other.ts, data.other.drawdown, data.labels.other, "other",
      { yaxis: "y2", showlegend: false }));
  }
  traces.push(line(ts, drawdown, "drawdown", data.other ? "this" : "loss",
    { yaxis: "y2", fill: "tozeroy", showlegend: false }));
  const equities = [...equity, ...(data.other?.equity ?? [])];
  const drawdowns = [...drawdown, ...(data.other?.drawdown ?? [])];
  const fell = drawdowns.some((value) => value < 0);
  return [place, traces, layout({
    xaxis: { ...TIME, anchor: "y2" },
    yaxis: { domain: [0.36, 1], title: { text: "equity (USDT)" }, tickformat: ",~f", ...equityRange(equities) },
    yaxis2: {
      domain: [0, 0.28], title: { text: "drawdown" },
      ...(fell ? { tickformat: percentFormat(drawdowns) } : { tickformat: ".1%", range: [-0.01, 0.0005] }),
    },
  })];
}

function marks(fills, side, name, symbol, hue) {
  const chosen = fills.side.map((value, i) => (value === side ? i : -1)).filter((i) => i >= 0);
  const pick = (values) => chosen.map((i) => values[i]);
  return {
    type: "scatter", mode: "markers", name, x: pick(fills.ts), y: pick(fills.px),
    text: plain(pick(fills.text)), hovertemplate: "%{text}<extra></extra>",
    marker: { symbol, size: 8, color: color(hue), line: { width: 1, color: color("card") } },
  };
}

function stopLines(stops) {
  const x = [], y = [];
  for (const [from, to, price] of stops) { x.push(from, to, null); y.push(price, price, null); }
  return line(x, y, "stop", "loss", { line: { color: color("loss"), width: 1.2, dash: "dot" }, hoverinfo: "skip" });
}

function drawSymbol(place, chart) {
  const { price, exposure, fills, denials, cap } = chart;
  const band = { line: { width: 0 }, hoverinfo: "skip", showlegend: false };
  const step = { yaxis: "y2", line: { width: 1.2, shape: "hv" } };
  const stepped = (hue, extra) => ({ ...step, line: { ...step.line, color: color(hue), ...extra } });
  const traces = [
    line(price.ts, price.low, "low", "this", band),
    line(price.ts, price.high, "high", "this", { ...band, fill: "tonexty", fillcolor: color("band") }),
    line(price.ts, price.price, "price", "this"),
    stopLines(chart.stops),
    { type: "scatter", mode: "markers", name: "denied", x: denials.ts, y: denials.px, opacity: 0.7,
      text: plain(denials.text), hovertemplate: "%{text}<extra></extra>",
      marker: { symbol: "x-thin", size: 5, line: { width: 1.2, color: color("cap") } } },
    marks(fills, "BUY", "buy", "triangle-up", "gain"),
    marks(fills, "SELL", "sell", "triangle-down", "loss"),
    line(exposure.ts, exposure.long_worst, "worst case", "soft", stepped("soft", { dash: "dot" })),
    line(exposure.ts, exposure.short_worst, "worst case (short)", "soft",
      { ...stepped("soft", { dash: "dot" }), showlegend: false }),
    line(exposure.ts, exposure.position, "position", "this", { ...stepped("this"), fill: "tozeroy" }),
  ];
  const drawn = layout({
    xaxis: { ...TIME, anchor: "y2" },
    yaxis: { domain: [0.4, 1], title: { text: "price" } },
    yaxis2: { domain: [0, 0.32], title: { text: "exposure (USDT)" }, rangemode: "tozero" },
  });
  drawn.hovermode = "closest";
  if (price.ts.length > 1) drawn.xaxis.range = [price.ts[0], price.ts[price.ts.length - 1]];
  if (cap !== null) {
    drawn.shapes = [cap, -cap].map((y) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, yref: "y2", y0: y, y1: y,
      line: { color: color("cap"), width: 1.5, dash: "dash" },
    }));
    drawn.annotations = [{ xref: "paper", x: 1, yref: "y2", y: cap, text: "cap", showarrow: false,
      xanchor: "right", yanchor: "bottom", font: { color: color("cap"), size: 11 } }];
  }
  return [place, traces, drawn];
}

function drawDaily(place) {
  const x = data.daily.map(([day]) => day), y = data.daily.map(([, value]) => value);
  const trace = { type: "bar", x, y, marker: { color: y.map((v) => color(v < 0 ? "loss" : "gain")) },
    hovertemplate: "%{x}: %{y:.2%}<extra></extra>" };
  return [place, [trace], layout({ xaxis: { type: "category", nticks: 12 }, yaxis: { tickformat: percentFormat(y) } })];
}

function draw() {
  const drawings = [];
  for (const place of document.querySelectorAll("[data-chart]")) {
    const [kind, index] = place.dataset.chart.split(":");
    if (kind === "equity") drawings.push(drawEquity(place));
    if (kind === "symbol") drawings.push(drawSymbol(place, data.symbols[Number(index)]));
    if (kind === "daily") drawings.push(drawDaily(place));
  }
  // Named one by one: Plotly's default buttons can send a chart away.
  const options = {
    displaylogo: false, responsive: true,
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };
  return Promise.all(drawings.map(([place, traces, drawn]) => Plotly.react(place, traces, drawn, options)))
    .then(() => { root.dataset.charts = String(drawings.length); });
}

function sortTable(header) {
  const table = header.closest("table"), body = table.tBodies[0];
  const column = header.cellIndex, down = header.getAttribute("aria-sort") === "ascending";
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    const [m, n] = [Number(x), Number(y)];
    return x !== "" && y !== "" && !Number.isNaN(m) && !Number.isNaN(n) ? m - n : x.localeCompare(y);
  };
  const rows = [...body.rows].sort((a, b) => (down ? compare(b, a) : compare(a, b)));
  body.append(...rows);
}

for (const button of document.querySelectorAll("table.sortable th button")) {
  button.addEventListener("click", () => sortTable(button.closest("th")));
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
addEventListener("beforeprint", () => { root.dataset.theme = "light"; draw(); });
addEventListener("afterprint", () => { delete root.dataset.theme; draw(); });
draw();
