// A tree on a canvas: draws what is in sight, moves and zooms, and knows which item is where. Items are columns, as the
// server sends them; places in them name items. What is across (generations or records) and colours are chosen outside.

import { paint } from "./treepaint.js";

const RAMP = 8;
const EDGE = { left: 22, right: 84, top: 18, bottom: 34 };
const MOST_LEAF_PX = 36;
const MOST_GENERATION_PX = 300;
const ENOUGH = 5;

export class TreeView {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.across = "depth";
    this.colour = "score";
    this.selected = -1;
    this.hovered = -1;
    this.picture = null;
    this.failed = RAMP;
    this.frames = [];
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.readColours();
  }

  // ---- what is shown

  show(picture, anchor) {
    const kept = this.picture && anchor >= 0 ? { id: this.items.ids[anchor], at: this.at(anchor) } : null;
    const selected = this.picture && this.selected >= 0 ? this.items.ids[this.selected] : null;
    const wasFit = !this.picture || this.isFit;
    this.picture = picture;
    this.items = picture.items;
    this.count = this.items.ids.length;
    this.prepare();
    this.selected = selected === null ? -1 : this.place(selected);
    this.hovered = -1;
    const place = kept && !wasFit ? this.place(kept.id) : -1;
    if (wasFit) this.fit();
    else {
      if (place >= 0) this.moveTo(place, kept.at[0], kept.at[1]);
      this.redraw();
    }
  }

  place(id) {
    return this.places.get(id) ?? -1;
  }

  prepare() {
    const { ids, parents, heights, evaluations, hidden } = this.items;
    this.places = new Map();
    // A bundle is named by one of its programs, which may be an item of its own when more is known of the tree.
    for (let item = this.count - 1; item >= 0; item--) this.places.set(ids[item], item);
    this.y = Float64Array.from(heights, (height) => height / 2);
    this.low = Float64Array.from(this.y);
    this.high = Float64Array.from(this.y);
    this.children = new Map();
    for (let item = 0; item < this.count; item++) {
      const above = parents[item];
      if (above >= 0) {
        this.low[above] = Math.min(this.low[above], this.y[item]);
        this.high[above] = Math.max(this.high[above], this.y[item]);
      }
      if (this.children.has(above)) this.children.get(above).push(item);
      else this.children.set(above, [item]);
    }
    const most = Math.max(1, largest(evaluations));
    this.most = most;
    this.radius = Float64Array.from(evaluations, (one, item) => 2 + 11 * Math.sqrt(one / most) + (hidden[item] ? 1 : 0));
    this.byHeight = Uint32Array.from(this.y.keys()).sort((a, b) => this.y[a] - this.y[b]);
    this.heightsSorted = Float64Array.from(this.byHeight, (item) => this.y[item]);
    this.onPath = new Set(this.picture.path);
    this.setAcross(this.across);
    this.setColour(this.colour);
  }

  setAcross(across) {
    this.across = across;
    const { depths, records } = this.items;
    this.x = Float64Array.from(across === "depth" ? depths : records);
    this.spanX = Math.max(1, across === "depth" ? this.picture.depth : this.picture.last_record);
  }

  // Items by colour: 0 to RAMP - 1 by rank or posterior, RAMP for failures, RAMP + 1 for what has no score to go by.
  setColour(colour) {
    this.colour = colour;
    const { ranks, posteriors, outcomes, status, hidden } = this.items;
    const { scored } = this.picture;
    // What little evidence says is near one half, and would outshine what much evidence says.
    const top = largest(posteriors.filter((_, item) => outcomes[item] >= ENOUGH)) || 1000;
    this.topPosterior = top / 1000;
    const drawers = Array.from({ length: RAMP + 2 }, () => ({ bundles: [], programs: [] }));
    for (let item = 0; item < this.count; item++) {
      const share = colour === "score" ? ranks[item] / 1000 : posteriors[item] / top;
      const failed = !hidden[item] && !scored[status[item]];
      const unknown = colour === "score" ? ranks[item] === null : !outcomes[item];
      const drawer = failed ? RAMP : unknown ? RAMP + 1 : Math.min(RAMP - 1, Math.floor(share * RAMP));
      drawers[drawer][hidden[item] ? "bundles" : "programs"].push(item);
    }
    // What is better lies on top.
    const order = [RAMP, RAMP + 1, ...Array(RAMP).keys()];
    this.drawOrder = ["bundles", "programs"].flatMap((kind) => order.map((drawer) => [drawer, drawers[drawer][kind]]));
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    const named = (name) => style.getPropertyValue(name).trim();
    this.ramp = Array.from({ length: RAMP }, (_, step) => named(`--rank-${step}`));
    this.fills = [...this.ramp, named("--tree-failed"), named("--faint")];
    this.edgeColour = named("--tree-edge");
    this.pathColour = named("--tree-path");
    this.textColour = named("--text");
    this.faintColour = named("--faint");
    this.backColour = named("--back");
    this.redraw();
  }

  // ---- where it is shown

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const before = [this.width, this.height];
    this.width = width;
    this.height = height;
    const ratio = Math.min(devicePixelRatio || 1, 3);
    this.ratio = ratio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    if (!this.picture) return;
    if (this.isFit || !before[0]) this.fit();
    else this.draw();
  }

  fitScales() {
    const wide = Math.max(1, this.width - EDGE.left - EDGE.right);
    const high = Math.max(1, this.height - EDGE.top - EDGE.bottom);
    const leaves = Math.max(1, this.picture.leaves);
    const across = this.across === "depth" ? MOST_GENERATION_PX : Infinity;
    return [Math.min(across, wide / this.spanX), Math.min(MOST_LEAF_PX, high / leaves)];
  }

  fit() {
    if (!this.picture || !this.width) return;
    [this.scaleX, this.scaleY] = this.fitScales();
    this.left = EDGE.left;
    const spare = this.height - EDGE.top - EDGE.bottom - this.scaleY * this.picture.leaves;
    this.up = EDGE.top + Math.max(0, spare / 2);
    this.isFit = true;
    this.redraw();
  }

  at(item) {
    return [this.left + this.x[item] * this.scaleX, this.up + this.y[item] * this.scaleY];
  }

  moveTo(item, x, y) {
    this.left = x - this.x[item] * this.scaleX;
    this.up = y - this.y[item] * this.scaleY;
    this.isFit = false;
    this.hold();
  }

  pan(dx, dy) {
    this.left += dx;
    this.up += dy;
    this.isFit = false;
    this.hold();
    this.redraw();
  }

  // Generations are few and fit across, so they are zoomed only when asked for.
  zoom(factor, x = this.width / 2, y = this.height / 2, way = "") {
    const [fitX, fitY] = this.fitScales();
    const oldX = this.scaleX;
    const oldY = this.scaleY;
    const isAcross = way === "across" || (way === "" && this.across === "record");
    const isUp = way !== "across";
    if (isAcross) this.scaleX = bounded(oldX * factor, fitX, Math.max(fitX, this.across === "depth" ? 400 : 60));
    if (isUp) this.scaleY = bounded(oldY * factor, fitY, Math.max(fitY, MOST_LEAF_PX));
    this.left = x - ((x - this.left) * this.scaleX) / oldX;
    this.up = y - ((y - this.up) * this.scaleY) / oldY;
    this.isFit = this.scaleX === fitX && this.scaleY === fitY;
    if (this.isFit) this.fit();
    this.hold();
    this.redraw();
  }

  // Brings an item to the middle, near enough to tell it from its neighbours.
  centre(item) {
    if (!this.width) return;
    this.scaleY = Math.max(this.scaleY, Math.min(14, MOST_LEAF_PX));
    const x = this.across === "depth" ? this.left + this.x[item] * this.scaleX : this.width / 2;
    const inside = bounded(x, EDGE.left + 20, this.width - EDGE.right - 20);
    this.moveTo(item, inside, this.height / 2);
    this.redraw();
  }

  // As centre, but only where it is out of sight.
  reveal(item) {
    const [x, y] = this.at(item);
    const dx = x < EDGE.left ? EDGE.left - x : x > this.width - EDGE.right ? this.width - EDGE.right - x : 0;
    const dy = y < EDGE.top ? EDGE.top + 30 - y : y > this.height - EDGE.bottom ? this.height - EDGE.bottom - 30 - y : 0;
    if (dx || dy) this.pan(dx, dy);
    else this.redraw();
  }

  // Some of the tree stays in sight, wherever it is moved.
  hold() {
    const wide = this.spanX * this.scaleX;
    const high = this.picture.leaves * this.scaleY;
    this.left = bounded(this.left, 60 - wide, this.width - 60);
    this.up = bounded(this.up, 60 - high, this.height - 60);
  }

  // ---- which item is where

  hit(x, y, reach = 9) {
    if (!this.picture || !this.width) return -1;
    let best = -1;
    let least = Infinity;
    const far = reach + 14;
    const [from, to] = this.between((y - far - this.up) / this.scaleY, (y + far - this.up) / this.scaleY);
    for (let index = from; index < to; index++) {
      const item = this.byHeight[index];
      const [itemX, itemY] = this.at(item);
      const away = Math.hypot(itemX - x, itemY - y) - this.size(item);
      if (away > reach / 2 && away > reach - 5) continue;
      // Where many lie on one place, the way to the champion and large clades come first.
      const key = away - (this.onPath.has(item) ? 6 : 0) - this.radius[item] / 4;
      if (key < least) {
        least = key;
        best = item;
      }
    }
    return best;
  }

  // The part of byHeight whose heights are between two.
  between(low, high) {
    return [firstFrom(this.heightsSorted, low), firstFrom(this.heightsSorted, high)];
  }

  size(item) {
    const share = bounded(this.scaleY / 7, 0, 1);
    return Math.max(share * this.radius[item], this.radius[item] > 4 ? 0.55 * this.radius[item] : 0.8);
  }

  // ---- the picture

  redraw() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => {
      this.due = false;
      this.draw();
    });
  }

  draw() {
    if (!this.picture || !this.width) return;
    const began = performance.now();
    paint(this);
    this.frames.push(performance.now() - began);
    if (this.frames.length > 240) this.frames.shift();
  }
}

function bounded(value, low, high) {
  return Math.min(Math.max(value, Math.min(low, high)), Math.max(low, high));
}

function largest(values) {
  let most = 0;
  for (const value of values) if (value > most) most = value;
  return most;
}

function firstFrom(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
