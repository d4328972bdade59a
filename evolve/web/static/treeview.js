// A tree on a canvas: draws what is in sight, moves and zooms, and knows which item is where. Items are columns, as the
// server sends them; places in them name items. What is across (generations or records) and colours are chosen outside.

const EDGE = { left: 22, right: 84, top: 18, bottom: 34 };
const MOST_LEAF_PX = 36;
const MOST_GENERATION_PX = 300;
const RAMP = 8;
const SMALL_PX = 1.6;
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
    const pen = this.pen;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    const [from, to] = this.between(-14 / this.scaleY - this.up / this.scaleY, (this.height + 14 - this.up) / this.scaleY);
    this.drawEdges(from, to);
    this.drawPath();
    this.drawItems(from, to);
    this.drawLabels(from, to);
    this.drawAxis();
    this.drawMarks();
    this.frames.push(performance.now() - began);
    if (this.frames.length > 240) this.frames.shift();
  }

  drawEdges(from, to) {
    const pen = this.pen;
    const { parents } = this.items;
    const { x, y, low, high, left, up, scaleX, scaleY, width, height } = this;
    // Far out many lines fall on each other: each half pixel is drawn once.
    const columns = Math.ceil(width) + 1;
    const seen = scaleY < 1 ? new Uint8Array(columns * (2 * Math.ceil(height) + 2)) : null;
    pen.beginPath();
    for (let index = from; index < to; index++) {
      const item = this.byHeight[index];
      const above = parents[item];
      if (above < 0) continue;
      const endX = left + x[item] * scaleX;
      const startX = left + x[above] * scaleX;
      if (endX < 0 || startX > width) continue;
      const lineY = up + y[item] * scaleY;
      if (seen && endX < width && lineY >= 0 && lineY <= height) {
        const key = Math.floor(2 * lineY) * columns + Math.floor(endX);
        if (seen[key]) continue;
        seen[key] = 1;
      }
      pen.moveTo(startX, lineY);
      pen.lineTo(endX, lineY);
    }
    for (const above of this.children.keys()) {
      if (above < 0) continue;
      const lineX = left + x[above] * scaleX;
      const startY = up + low[above] * scaleY;
      const endY = up + high[above] * scaleY;
      if (lineX < 0 || lineX > width || endY < 0 || startY > height || endY - startY < 0.5) continue;
      pen.moveTo(lineX, Math.max(startY, -2));
      pen.lineTo(lineX, Math.min(endY, height + 2));
    }
    pen.strokeStyle = this.edgeColour;
    pen.lineWidth = scaleY < 1 ? 0.5 : 1;
    pen.stroke();
  }

  drawPath() {
    const pen = this.pen;
    const { path } = this.picture;
    pen.beginPath();
    path.forEach((item, step) => {
      const [x, y] = this.at(item);
      if (!step) pen.moveTo(x, y);
      else {
        const [aboveX] = this.at(path[step - 1]);
        pen.lineTo(aboveX, y);
        pen.lineTo(x, y);
      }
    });
    pen.strokeStyle = this.pathColour;
    pen.lineWidth = 2.5;
    pen.stroke();
  }

  drawItems(from, to) {
    const pen = this.pen;
    const { hidden } = this.items;
    const { left, up, scaleX, scaleY, width, height } = this;
    const isWhole = from === 0 && to === this.count;
    const lowY = isWhole ? -Infinity : -14;
    const highY = isWhole ? Infinity : height + 14;
    for (const [drawer, items] of this.drawOrder) {
      pen.fillStyle = this.fills[drawer];
      pen.strokeStyle = this.fills[drawer];
      pen.lineWidth = 1.5;
      const strokes = new Path2D();
      pen.beginPath();
      for (const item of items) {
        const y = up + this.y[item] * scaleY;
        if (y < lowY || y > highY) continue;
        const x = left + this.x[item] * scaleX;
        if (x < -14 || x > width + 14) continue;
        const size = this.size(item);
        if (size < SMALL_PX) pen.rect(x - size, y - size, 2 * size, 2 * size);
        else if (hidden[item]) {
          pen.moveTo(x - size, y);
          pen.lineTo(x + size, y - size);
          pen.lineTo(x + size, y + size);
          pen.closePath();
        } else if (drawer === RAMP) {
          strokes.moveTo(x - size, y - size);
          strokes.lineTo(x + size, y + size);
          strokes.moveTo(x + size, y - size);
          strokes.lineTo(x - size, y + size);
        } else {
          pen.moveTo(x + size, y);
          pen.arc(x, y, size, 0, 6.283);
        }
      }
      pen.fill();
      pen.stroke(strokes);
    }
  }

  drawLabels(from, to) {
    if (this.scaleY < 11 || to - from > 400) return;
    const pen = this.pen;
    const { hidden, programs, values } = this.items;
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    pen.fillStyle = this.textColour;
    for (let index = from; index < to; index++) {
      const item = this.byHeight[index];
      const [x, y] = this.at(item);
      const isLeaf = !this.children.has(item);
      if (!isLeaf || x < 0 || x > this.width) continue;
      const text = hidden[item] ? `+${programs[item].toLocaleString("en")}` : values[item] === null ? "" : String(values[item]);
      if (text) pen.fillText(text, x + this.size(item) + 5, y);
    }
  }

  drawAxis() {
    const pen = this.pen;
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "alphabetic";
    pen.fillStyle = this.backColour;
    pen.fillRect(0, this.height - 22, this.width, 22);
    pen.fillStyle = this.faintColour;
    const step = niceStep(70 / this.scaleX, this.across === "depth");
    const first = Math.max(0, Math.ceil(-this.left / this.scaleX / step) * step);
    pen.textAlign = "center";
    for (let value = first; value <= this.spanX; value += step) {
      const x = this.left + value * this.scaleX;
      if (x > this.width - 80) break;
      if (x < 12) continue;
      pen.fillText(value.toLocaleString("en"), x, this.height - 7);
    }
    pen.textAlign = "right";
    pen.fillText(this.across === "depth" ? "generation" : "record", this.width - 8, this.height - 7);
    pen.textAlign = "left";
  }

  drawMarks() {
    const pen = this.pen;
    for (const item of this.picture.path) this.ring(item, this.pathColour, 1.5, 1.5);
    const last = this.picture.path.at(-1);
    if (last !== undefined) this.ring(last, this.pathColour, 2.5, 5);
    if (this.hovered >= 0) this.ring(this.hovered, this.textColour, 1.5, 4);
    if (this.selected >= 0) this.ring(this.selected, this.textColour, 2.5, 5);
    pen.setLineDash([]);
  }

  ring(item, colour, wide, away) {
    const [x, y] = this.at(item);
    if (x < -20 || y < -20 || x > this.width + 20 || y > this.height + 20) return;
    this.pen.beginPath();
    this.pen.arc(x, y, this.size(item) + away, 0, 6.283);
    this.pen.strokeStyle = colour;
    this.pen.lineWidth = wide;
    this.pen.stroke();
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

function niceStep(least, isWhole) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-9)));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= least);
  return isWhole || step < 1 ? Math.max(1, step) : step;
}
