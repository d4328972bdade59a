// What is said of a tree's items, and the legend of its colours and sizes.

const number = (value) => {
  if (value === null) return "–";
  const small = value !== 0 && Math.abs(value) < 1e-3;
  return small ? value.toExponential(2) : value.toLocaleString("en", { maximumSignificantDigits: 4 });
};
const many = (count, one, several) => `${count.toLocaleString("en")} ${count === 1 ? one : several}`;

// Lines of text with their classes. `node` is what the server says of the program when it is asked for.
export function describe(view, item, node) {
  const { picture } = view;
  const { ids, records, hidden, status, values, ranks, programs, evaluations, outcomes, posteriors } = view.items;
  const metric = picture.metric ? picture.metric.replaceAll("_", " ") : "score";
  const rank = ranks[item] === null ? "" : `, at least as good as ${(ranks[item] / 10).toFixed(ranks[item] > 990 ? 1 : 0)} %`;
  const clade = `${many(programs[item], "program", "programs")}, ${many(evaluations[item], "evaluation", "evaluations")}`;
  const after = outcomes[item] ? `after ${many(outcomes[item], "outcome", "outcomes")}` : "before any outcome";
  const chance = `posterior ${(posteriors[item] / 1000).toFixed(3)} ${after}`;
  if (hidden[item]) {
    const best = ranks[item] === null ? "none has a score" : `the best${rank.replace(",", " is")}`;
    return [
      [`${many(hidden[item], "clade", "clades")} folded up`, "mono"],
      [`${clade}; ${best}`, ""],
      [chance, ""],
      ["Open it to see more of it", "faint"],
    ];
  }
  const isScored = picture.scored[status[item]];
  const words = picture.statuses[status[item]].replaceAll("_", " ");
  const score = node ? node.text : number(values[item]);
  const lines = [
    [`${ids[item].slice(0, 10)}  record ${records[item].toLocaleString("en")}`, "mono"],
    [isScored ? `${metric} ${score}${words === "ok" ? "" : ` (${words})`}${rank}` : words, isScored ? "" : "bad"],
    [`clade: ${clade}`, ""],
    [`clade ${chance}`, ""],
  ];
  if (view.onPath.has(item)) lines.splice(1, 0, [item === picture.path.at(-1) ? "champion" : "on the path to the champion", "good"]);
  if (node) lines.push([`by ${node.operator}${node.model ? ` of ${node.model}` : ""}${node.idea ? `: ${node.idea}` : ""}`, "faint"]);
  return lines;
}

export function legend(bar, view) {
  if (!view.picture) return;
  bar.replaceChildren(ramp(view), sizes(view), shapes(view));
}

function drawn(name, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}

function group(words, picture) {
  const element = document.createElement("span");
  element.append(words, picture);
  return element;
}

function svg(width, height, label, ...parts) {
  const element = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  element.append(...parts);
  return element;
}

function ramp(view) {
  const { scores, metric } = view.picture;
  const isScore = view.colour === "score";
  const name = isScore ? (metric ?? "score").replaceAll("_", " ") : "clade posterior";
  const ticks = isScore ? scores.map(number) : [0, 0.25, 0.5, 0.75, 1].map((share) => number(share * view.topPosterior));
  const wide = 300;
  const boxes = view.ramp.map((fill, step) => drawn("rect", { x: 14 + (step * wide) / 8, y: 2, width: wide / 8, height: 12, fill }));
  const labels = ticks.map((text, step) => drawn("text", { x: 14 + (step * wide) / 4, y: 29, "text-anchor": "middle" }, text));
  const all = `${name} from ${ticks[0]} to ${ticks[4]}`;
  return group(isScore ? `${name} by rank` : name, svg(wide + 28, 34, all, ...boxes, ...labels));
}

function sizes(view) {
  const most = view.most;
  const parts = [];
  let x = 10;
  for (const share of [0.01, 0.1, 1]) {
    const radius = 2 + 11 * Math.sqrt(share);
    const text = number(Number((share * most).toPrecision(2)));
    parts.push(drawn("circle", { cx: x + radius, cy: 15, r: radius, fill: view.faintColour }));
    parts.push(drawn("text", { x: x + 2 * radius + 4, y: 19 }, text));
    x += 2 * radius + 16 + 7 * text.length;
  }
  return group("evaluations in the clade", svg(x, 30, `up to ${number(most)} evaluations in a clade`, ...parts));
}

function shapes(view) {
  const { failures, path } = view.picture;
  const [failed] = view.fills.slice(8);
  const cross = drawn("path", { d: "M4 9l10 10M14 9l-10 10", stroke: failed, "stroke-width": 2 });
  const parts = [cross, drawn("text", { x: 20, y: 19 }, `${number(failures)} failed`)];
  let x = 40 + 7 * `${number(failures)} failed`.length;
  parts.push(drawn("path", { d: `M${x} 14l10 -6v12z`, fill: view.faintColour }), drawn("text", { x: x + 16, y: 19 }, "folded up"));
  x += 84;
  if (view.colour === "posterior") {
    parts.push(drawn("circle", { cx: x + 5, cy: 14, r: 5, fill: view.faintColour }), drawn("text", { x: x + 16, y: 19 }, "no outcome yet"));
    x += 116;
  }
  if (path.length) {
    parts.push(drawn("path", { d: `M${x} 14h20`, stroke: view.pathColour, "stroke-width": 2.5 }));
    parts.push(drawn("text", { x: x + 26, y: 19 }, "to the champion"));
    x += 130;
  }
  return group("", svg(x, 30, "crosses failed, triangles are folded up, the line leads to the champion", ...parts));
}
