// Curves that can be drawn against several axes: <fieldset data-axes="#id of the plot"> is filled with those that the
// figure knows (layout.meta.axes), and the choice stands in the address. Plots outside of the parts that live updates
// replace follow one of them (data-follow): they are drawn anew, where the reader has zoomed stays.
import { preparePlots, redrawPlots } from "./plot.js";

function chosen() {
  return new URLSearchParams(location.hash.slice(1)).get("axis");
}

function keep(axis) {
  const all = new URLSearchParams(location.hash.slice(1));
  all.set("axis", axis);
  history.replaceState(null, "", `#${all}`);
}

function axisOf(figure) {
  const axes = Object.keys(figure.layout.meta?.axes ?? {});
  return axes.includes(chosen()) ? chosen() : axes[0];
}

// The figure for one axis: its traces, and its horizontal axis.
function onAxis(figure) {
  const axis = axisOf(figure);
  if (!axis) return figure;
  const data = figure.data.filter((trace) => !trace.meta?.axis || trace.meta.axis === axis);
  return { data, layout: { ...figure.layout, xaxis: figure.layout.meta.axes[axis] } };
}

function offer(fieldset, place) {
  const axes = place.figure?.layout.meta?.axes ?? {};
  const names = Object.keys(axes);
  fieldset.hidden = names.length < 2;
  if (fieldset.offered === names.join()) return;
  fieldset.offered = names.join();
  for (const old of fieldset.querySelectorAll("label")) old.remove();
  for (const name of names) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "radio";
    input.name = `axis-${place.id}`;
    input.value = name;
    input.checked = name === axisOf(place.figure);
    input.addEventListener("change", () => {
      keep(name);
      redrawPlots();
    });
    label.append(input, axes[name].title.text);
    fieldset.append(label);
  }
}

for (const fieldset of document.querySelectorAll("[data-axes]")) {
  const place = document.querySelector(fieldset.dataset.axes);
  if (place) place.adapt = onAxis;
}
document.addEventListener("evolve:plotted", (event) => {
  for (const fieldset of document.querySelectorAll("[data-axes]")) {
    if (fieldset.dataset.axes === `#${event.detail.id}`) offer(fieldset, event.detail);
  }
});
document.addEventListener("evolve:part", (event) => {
  preparePlots({ querySelectorAll: () => document.querySelectorAll(`[data-follow="${CSS.escape(event.detail.id)}"]`) });
});
redrawPlots();
