// The front of any two metrics. The data are columns (pareto.json); the figure, the staircases and the table are made
// here, for the axes that stand in the address.
import { placeOf } from "./place.js";
import { preparePlots, redrawPlots } from "./plot.js";

const LETTERS = 40;
const MOST_ROWS = 500;
const LOOKS = {
  found: { name: "found", colour: "--found", symbol: "circle", size: 6 },
  refused: { name: "refused by the gate", colour: "--seed", symbol: "circle-open", size: 6 },
  baseline: { name: "baseline", colour: "--known", symbol: "square", size: 10 },
  seed: { name: "seed", colour: "--seed", symbol: "x", size: 10 },
};
const place = document.getElementById("front");
const fields = ["across", "across-direction", "up", "up-direction"].map((id) => document.getElementById(id));

function address() {
  return new URLSearchParams(location.hash.slice(1));
}

function choice(data) {
  const wanted = address();
  const named = (key, place) => (data.metrics.includes(wanted.get(key)) ? wanted.get(key) : data.axes[place]);
  const better = (key, metric) =>
    data.directions[metric] ?? (["minimize", "maximize"].includes(wanted.get(key)) ? wanted.get(key) : "minimize");
  const across = named("x", 0);
  const up = named("y", 1);
  return { across, up, acrossBetter: better("dx", across), upBetter: better("dy", up) };
}

function keep(key, value) {
  const all = address();
  all.set(key, value);
  history.replaceState(null, "", `#${all}`);
  redrawPlots();
}

function words(metric) {
  return metric.replaceAll("_", " ");
}

// Plotly reads some tags in its texts.
function plain(text) {
  return text.slice(0, LETTERS).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function offer(data, now) {
  const [across, acrossDirection, up, upDirection] = fields;
  document.getElementById("choices").hidden = false;
  for (const [field, value] of [[across, now.across], [up, now.up]]) {
    if (field.offered !== data.metrics.join("\n")) {
      field.offered = data.metrics.join("\n");
      field.replaceChildren(...data.metrics.map((metric) => new Option(words(metric), metric)));
    }
    field.value = value;
  }
  acrossDirection.value = now.acrossBetter;
  upDirection.value = now.upBetter;
  // An objective's direction is the problem's.
  acrossDirection.disabled = now.across in data.directions;
  upDirection.disabled = now.up in data.directions;
}

function dominating(data, now, kinds) {
  const xs = data.values[now.across];
  const ys = data.values[now.up];
  const costs = (values, better) => values.map((value) => (better === "minimize" ? value : -value));
  const xCosts = costs(xs, now.acrossBetter);
  const yCosts = costs(ys, now.upBetter);
  const places = data.kinds
    .map((_, index) => index)
    .filter((index) => kinds.includes(data.kinds[index]) && xs[index] !== null && ys[index] !== null);
  places.sort((a, b) => xCosts[a] - xCosts[b] || yCosts[a] - yCosts[b]);
  const found = [];
  for (const index of places) {
    if (!found.length || yCosts[index] < yCosts[found[found.length - 1]]) found.push(index);
  }
  return found;
}

function staircase(data, now, kinds, name, colour, dash) {
  const front = dominating(data, now, kinds);
  const all = data.values[now.across].filter((value) => value !== null);
  const edge = all.reduce((a, b) => (now.acrossBetter === "minimize" ? Math.max(a, b) : Math.min(a, b)), all[0]);
  const x = front.map((index) => data.values[now.across][index]);
  const y = front.map((index) => data.values[now.up][index]);
  if (front.length) {
    x.push(edge);
    y.push(y[y.length - 1]);
  }
  const line = { shape: "hv", color: colour, dash, width: 1.5 };
  return { type: "scatter", mode: "lines", x, y, name, line, hoverinfo: "skip" };
}

function isWide(values) {
  const finite = values.filter((value) => value !== null);
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  return low > 0 && finite.reduce((a, b) => Math.max(a, b), 0) > 100 * low;
}

function axis(data, metric, better, now) {
  const direction = better === "minimize" ? "lower" : "higher";
  const title = { text: `${plain(words(metric))} (${direction} is better)` };
  return { title, type: isWide(data.values[metric]) ? "log" : "linear", uirevision: `${now.across} ${now.up}` };
}

function figure(data) {
  const now = choice(data);
  offer(data, now);
  fill(data, now);
  const traces = Object.entries(LOOKS).map(([kind, look]) => {
    const places = data.kinds.map((_, index) => index).filter((index) => data.kinds[index] === kind);
    return {
      type: places.length > 1000 ? "scattergl" : "scatter",
      mode: "markers",
      name: look.name,
      x: places.map((index) => data.values[now.across][index]),
      y: places.map((index) => data.values[now.up][index]),
      text: places.map((index) => plain(data.names[index] || data.programs[index].slice(0, 10))),
      customdata: places.map((index) => pageOf(data, index)),
      marker: { color: look.colour, symbol: look.symbol, size: look.size, opacity: kind === "found" ? 0.6 : 1 },
      hovertemplate: `%{text}<br>%{x:.6g}, %{y:.6g}<extra>${look.name}</extra>`,
    };
  });
  const stairs = [
    staircase(data, now, ["baseline", "seed"], "front of what was known", "--known", "dash"),
    staircase(data, now, ["found"], "front of what was found", "--found", "solid"),
  ];
  const layout = {
    height: 520,
    xaxis: axis(data, now.across, now.acrossBetter, now),
    yaxis: axis(data, now.up, now.upBetter, now),
  };
  return { data: [...stairs, ...traces.filter((trace) => trace.x.length)], layout };
}

function cell(name, text, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(text);
  return made;
}

function link(address, text) {
  if (!address) return text;
  const made = document.createElement("a");
  made.href = placeOf(address);
  made.textContent = text;
  return made;
}

// The address of a program's page; null for one that was not published.
function pageOf(data, index) {
  return data.pages ? data.pages[index] : `/programs/${data.programs[index]}`;
}

function shown(value) {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en");
  return String(Number(value.toPrecision(4)));
}

function fill(data, now) {
  document.getElementById("across-head").textContent = words(now.across);
  document.getElementById("up-head").textContent = words(now.up);
  const rows = dominating(data, now, ["found", "baseline", "seed"]).slice(0, MOST_ROWS).map((index) => {
    const row = document.createElement("tr");
    const head = cell("th", link(pageOf(data, index), data.names[index] || data.programs[index].slice(0, 10)));
    head.scope = "row";
    const run = data.runs[index];
    row.append(head, cell("td", data.kinds[index]), cell("td", run ? link(`/runs/${run}`, run) : "–"));
    for (const metric of [now.across, now.up]) row.append(cell("td", shown(data.values[metric][index]), "number"));
    return row;
  });
  document.querySelector("#front-table tbody").replaceChildren(...rows);
}

if (place) {
  place.adapt = figure;
  const [across, acrossDirection, up, upDirection] = fields;
  across.addEventListener("change", () => keep("x", across.value));
  up.addEventListener("change", () => keep("y", up.value));
  acrossDirection.addEventListener("change", () => keep("dx", acrossDirection.value));
  upDirection.addEventListener("change", () => keep("dy", upDirection.value));
  document.addEventListener("evolve:part", (event) => {
    if (event.detail.id === place.dataset.follow) preparePlots({ querySelectorAll: () => [place] });
  });
  redrawPlots();
}
