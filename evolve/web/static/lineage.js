// The lineage page: fetches the tree, and joins the picture with its fields, its words, the keyboard and the address.
// The address keeps the view: #PROGRAM&x=record&colour=posterior.
import { placeOf } from "./place.js";
import { TreeView } from "./treeview.js";
import { describe, legend } from "./treewords.js";
import { listen } from "./treehands.js";

const LEAST_FETCH_MS = 5000;
const HOVER_MS = 120;

const place = document.getElementById("tree");
const canvas = place.querySelector("canvas");
const tip = place.querySelector(".tree-tip");
const form = document.querySelector(".tree-tools");
const said = document.getElementById("tree-said"); // messages
const told = document.getElementById("tree-told"); // what is chosen, for who can not see it
const bar = document.querySelector(".tree-legend");
const { tree, clades } = place.dataset;
const view = new TreeView(canvas);
place.view = view; // for whoever measures it
const details = new Map();
let opened = null; // the program whose clade is shown more of than of others
let fetchedMs = -Infinity;
let tookMs = 0;
let waiting = null;

// ---- the address

function readAddress() {
  const found = { program: null, x: "depth", colour: "score" };
  for (const part of location.hash.slice(1).split("&")) {
    const [name, value] = part.split("=");
    if (value === undefined) found.program = name ? decode(name) : null;
    else if (name === "x" && ["depth", "record"].includes(value)) found.x = value;
    else if (name === "colour" && ["score", "posterior"].includes(value)) found.colour = value;
  }
  return found;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function writeAddress() {
  const parts = [];
  if (view.selected >= 0) parts.push(encodeURIComponent(view.items.ids[view.selected]));
  if (view.across !== "depth") parts.push(`x=${view.across}`);
  if (view.colour !== "score") parts.push(`colour=${view.colour}`);
  history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.pathname + location.search);
}

// ---- fetching

async function get(address) {
  const began = performance.now();
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(String(answer.status));
  const value = await answer.json();
  tookMs = performance.now() - began;
  return value;
}

// The whole tree, or that with more of a program's clade. What was in the middle stays where it is.
async function load(program) {
  fetchedMs = performance.now();
  const picture = await get(program && clades ? `${clades}${encodeURIComponent(program)}.json` : tree);
  fetchedMs = performance.now();
  opened = program && clades ? program : null;
  place.hidden = form.hidden = bar.hidden = !picture.items.ids.length;
  const anchor = view.selected >= 0 ? view.selected : view.picture ? view.hit(view.width / 2, view.height / 2, 400) : -1;
  view.show(picture, anchor);
  canvas.setAttribute("aria-label", `Tree of ${picture.programs.toLocaleString("en")} programs`);
  legend(bar, view);
  form.elements.colour.options[0].textContent = picture.metric ? picture.metric.replaceAll("_", " ") : "score";
  return picture;
}

// Shows a program, and asks for what is around it where it is folded up.
async function go(program) {
  let item = view.picture ? view.place(program) : -1;
  if (item < 0 || view.items.hidden[item]) {
    try {
      const picture = await load(program);
      item = picture.focus ?? view.place(program);
    } catch (error) {
      say(error.message === "404" ? `The run has no program ${program.slice(0, 40)}.` : "The tree can not be read just now.");
      return false;
    }
  }
  if (item < 0) {
    say("This program is folded up. Run evolve serve to unfold it.");
    return false;
  }
  choose(item);
  view.centre(item);
  return true;
}

function refetch() {
  if (waiting) return;
  const wait = fetchedMs + Math.max(LEAST_FETCH_MS, 4 * tookMs) - performance.now();
  waiting = setTimeout(async () => {
    waiting = null;
    if (document.hidden) {
      document.addEventListener("visibilitychange", refetch, { once: true });
      return;
    }
    try {
      await load(opened);
      if (said.textContent.endsWith("tries again.")) say("");
    } catch {
      refetch();
    }
  }, Math.max(0, wait));
}

// ---- words

function say(text) {
  said.textContent = text;
}

function showTip(item, isAnnounced) {
  if (item < 0) {
    tip.hidden = true;
    return;
  }
  const id = view.items.ids[item];
  const node = details.get(id);
  const lines = describe(view, item, node);
  tip.replaceChildren(...lines.map(([text, kind]) => Object.assign(document.createElement("p"), { textContent: text, className: kind })));
  tip.hidden = false;
  const [x, y] = view.at(item);
  const { offsetWidth: wide, offsetHeight: high } = tip;
  const left = x + 16 + wide < view.width ? x + 16 : x - 16 - wide;
  const up = y + 16 + high < view.height ? y + 16 : y - 16 - high;
  tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, up)}px)`;
  if (isAnnounced) told.textContent = lines.map(([text]) => text).join(". ");
  if (!node && clades && !view.items.hidden[item]) ask(id, item, isAnnounced);
}

let asking = 0;
function ask(id, item, isAnnounced) {
  clearTimeout(asking);
  asking = setTimeout(async () => {
    try {
      const answer = await fetch(`${clades}node/${encodeURIComponent(id)}.json`);
      if (!answer.ok) return;
      details.set(id, await answer.json());
      if (details.size > 500) details.delete(details.keys().next().value);
    } catch {
      return;
    }
    if (current() >= 0 && view.items.ids[current()] === id) showTip(current(), isAnnounced);
  }, HOVER_MS);
}

const current = () => (view.hovered >= 0 ? view.hovered : view.selected);

// ---- what the reader does

function choose(item, isAnnounced = false) {
  view.selected = item;
  view.hovered = -1;
  writeAddress();
  say("");
  showTip(item, isAnnounced);
  view.redraw();
}

async function open(item, inNewTab = false) {
  if (item < 0) return;
  if (view.items.hidden[item]) {
    if (!clades) say("This is folded up. Run evolve serve to unfold it.");
    else await go(view.items.ids[item]);
    return;
  }
  if (view.picture.pages && !view.picture.pages[item]) {
    say("This program's page was not published.");
    return;
  }
  const address = placeOf(`/programs/${encodeURIComponent(view.items.ids[item])}`);
  view.selected = item;
  writeAddress();
  if (inNewTab) window.open(address, "_blank", "noopener");
  else location.href = address;
}

const hands = {
  view,
  choose,
  open,
  hover(item) {
    if (item === view.hovered) return;
    view.hovered = item;
    canvas.classList.toggle("over", item >= 0);
    showTip(current(), false);
    view.redraw();
  },
  moved() {
    if (!tip.hidden) showTip(current(), false);
  },
};

function isReady() {
  return view.picture !== null && view.count > 0;
}

const champion = () => view.picture.path.at(-1) ?? -1;
const BUTTONS = {
  in: () => view.zoom(1.6),
  out: () => view.zoom(1 / 1.6),
  fit: () => view.fit(),
  champion: () => {
    if (champion() < 0) return;
    choose(champion());
    view.centre(champion());
    showTip(champion(), true);
  },
};

form.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (!button || !isReady()) return;
  BUTTONS[button.dataset.do]();
  hands.moved();
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wanted = form.elements.program.value.trim();
  if (!wanted) return;
  const known = isReady() ? view.items.ids.findIndex((id, item) => id.startsWith(wanted) && !view.items.hidden[item]) : -1;
  if (await go(known >= 0 ? view.items.ids[known] : wanted)) {
    canvas.focus({ preventScroll: true });
    showTip(view.selected, true);
  }
});
form.elements.x.addEventListener("change", () => {
  view.setAcross(form.elements.x.value);
  view.fit();
  writeAddress();
  hands.moved();
});
form.elements.colour.addEventListener("change", () => {
  view.setColour(form.elements.colour.value);
  legend(bar, view);
  view.redraw();
  writeAddress();
});
addEventListener("hashchange", async () => {
  const wanted = readAddress();
  form.elements.x.value = wanted.x;
  form.elements.colour.value = wanted.colour;
  if (wanted.x !== view.across) {
    view.setAcross(wanted.x);
    view.fit();
  }
  view.setColour(wanted.colour);
  legend(bar, view);
  if (wanted.program && (await go(wanted.program))) canvas.scrollIntoView({ block: "nearest" });
});
document.addEventListener("evolve:theme", () => {
  view.readColours();
  if (isReady()) legend(bar, view);
});
document.addEventListener("evolve:part", (event) => {
  if (event.detail.id === "tree-count") refetch();
});

async function start() {
  const wanted = readAddress();
  view.across = form.elements.x.value = wanted.x;
  view.colour = form.elements.colour.value = wanted.colour;
  place.hidden = false;
  view.resize();
  form.hidden = false;
  say("Reading the tree …");
  try {
    if (!wanted.program || !(await go(wanted.program))) {
      const words = wanted.program ? said.textContent : "";
      await load(null);
      say(words);
    }
  } catch {
    say("The tree can not be read just now; this page tries again.");
    refetch();
  }
  place.dataset.ready = "yes";
}

listen(canvas, hands);
start();
