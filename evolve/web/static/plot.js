// Plots by Plotly: <div class="plot" id="..." data-plot="address of a figure as JSON" data-title="what it shows">. The
// page loads Plotly's bundle itself, deferred. Colours come from the page's style, so that both themes are readable.

import { placeOf } from "./place.js";

const WANTED = "[data-plot]";
// Plotly's bundle runs after this. Its maps, which no page has, come with a style sheet that the pages' policy refuses: it
// is left out where an element of this name is there already.
const MAPS = document.createElement("meta");
MAPS.id = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
document.head.append(MAPS);
const loaded = new Promise((done) => {
  if (document.readyState === "complete") done();
  else for (const event of ["DOMContentLoaded", "load"]) addEventListener(event, done, { once: true });
});

export function preparePlots(root) {
  for (const place of root.querySelectorAll(WANTED)) draw(place);
}

export function redrawPlots() {
  for (const place of document.querySelectorAll(WANTED)) if (place.figure) show(place);
}

async function draw(place) {
  await loaded;
  if (!window.Plotly) return;
  try {
    const answer = await fetch(place.dataset.plot);
    if (!answer.ok) throw new Error(String(answer.status));
    place.figure = await answer.json();
    await show(place);
  } catch {
    place.textContent = "The plot can not be shown; the table beside it says the same.";
  }
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A colour in a figure is the name of a variable of the style: "--found"; "--found/20" is a fifth of it.
function coloured(value) {
  if (typeof value === "string") {
    const named = value.match(/^(--[a-z0-9-]+)(?:\/(\d\d))?$/);
    if (!named) return value;
    return named[2] ? colour(named[1]) + Math.round(2.55 * named[2]).toString(16).padStart(2, "0") : colour(named[1]);
  }
  if (Array.isArray(value)) return value.map(coloured);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner)]));
  }
  return value;
}

async function show(place) {
  // A page's own script may choose what of the figure is shown.
  const figure = coloured(place.adapt ? place.adapt(place.figure) : place.figure);
  // Exponents after an "e": raised ones are inline styles, which the policy refuses.
  const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--line"), automargin: true, exponentformat: "e" };
  const layout = {
    margin: { l: 60, r: 16, t: 16, b: 48 },
    height: 360,
    hovermode: "closest",
    legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
    ...figure.layout,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 13, color: colour("--text") },
    hoverlabel: { font: { family: "system-ui, sans-serif" } },
    uirevision: "kept",
  };
  for (const name of Object.keys(layout)) if (/^[xy]axis/.test(name)) layout[name] = { ...axis, ...layout[name] };
  layout.xaxis ??= axis;
  layout.yaxis ??= axis;
  const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"] };
  await Plotly.react(place, figure.data, layout, options);
  place.setAttribute("role", "figure");
  place.setAttribute("aria-label", place.dataset.title || "plot");
  if (!place.linked) {
    place.linked = true;
    // A point that stands for a program leads to it: its customdata is the address, always one of these pages.
    place.on("plotly_click", (event) => {
      const where = event.points[0]?.customdata;
      if (typeof where === "string" && where.startsWith("/") && !where.startsWith("//")) location.href = placeOf(where);
    });
  }
  document.dispatchEvent(new CustomEvent("evolve:plotted", { detail: place }));
}
