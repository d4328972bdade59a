// How a tree is painted on its canvas: lines, the path to the champion, items, their words, and what is across.

const SMALL_PX = 1.6;

export function paint(view) {
  const { pen, width, height, scaleY, up } = view;
  pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const [from, to] = view.between((-14 - up) / scaleY, (height + 14 - up) / scaleY);
  drawEdges(view, from, to);
  drawPath(view);
  drawItems(view);
  drawLabels(view, from, to);
  drawAxis(view);
  drawMarks(view);
}

// Lines are rectangles of whole pixels: thousands of them are drawn many times as fast as one path of as many lines.
function drawEdges(view, from, to) {
  const { pen } = view;
  const { parents } = view.items;
  const { x, y, low, high, left, up, scaleX, scaleY, width, height } = view;
  // Far out many lines fall on one row or column of pixels.
  const rows = scaleY < 1 ? new Cover(height, width) : null;
  const columns = scaleY < 1 ? new Cover(width, height) : null;
  pen.fillStyle = view.edgeColour;
  for (let index = from; index < to; index++) {
    const item = view.byHeight[index];
    const above = parents[item];
    if (above < 0) continue;
    const startX = Math.max(0, Math.round(left + x[above] * scaleX));
    const endX = Math.min(width, Math.round(left + x[item] * scaleX));
    if (endX <= startX) continue;
    const lineY = Math.round(up + y[item] * scaleY);
    if (rows) rows.add(lineY, startX, endX);
    else pen.fillRect(startX, lineY, endX - startX, 1);
  }
  rows?.each((row, start, end) => pen.fillRect(start, row, end - start, 1));
  for (const above of view.children.keys()) {
    if (above < 0) continue;
    const lineX = Math.round(left + x[above] * scaleX);
    const startY = Math.max(0, Math.round(up + low[above] * scaleY));
    const endY = Math.min(height, Math.round(up + high[above] * scaleY));
    if (lineX < 0 || lineX > width || endY <= startY) continue;
    if (columns) columns.add(lineX, startY, endY);
    else pen.fillRect(lineX, startY, 1, endY - startY + 1);
  }
  columns?.each((column, start, end) => pen.fillRect(column, start, 1, end - start + 1));
}

function drawPath(view) {
  const { pen } = view;
  const { path } = view.picture;
  pen.beginPath();
  path.forEach((item, step) => {
    const [x, y] = view.at(item);
    if (!step) pen.moveTo(x, y);
    else {
      const [aboveX] = view.at(path[step - 1]);
      pen.lineTo(aboveX, y);
      pen.lineTo(x, y);
    }
  });
  pen.strokeStyle = view.pathColour;
  pen.lineWidth = 2.5;
  pen.stroke();
}

function drawItems(view) {
  const { pen } = view;
  const { hidden } = view.items;
  const { left, up, scaleX, scaleY, width, height } = view;
  for (const [drawer, items] of view.drawOrder) {
    pen.fillStyle = view.fills[drawer];
    pen.strokeStyle = view.fills[drawer];
    pen.lineWidth = 1.5;
    const strokes = new Path2D();
    pen.beginPath();
    for (const item of items) {
      const y = up + view.y[item] * scaleY;
      if (y < -14 || y > height + 14) continue;
      const x = left + view.x[item] * scaleX;
      if (x < -14 || x > width + 14) continue;
      const size = view.size(item);
      if (size < SMALL_PX) pen.fillRect(x - size, y - size, 2 * size, 2 * size);
      else if (hidden[item]) {
        pen.moveTo(x - size, y);
        pen.lineTo(x + size, y - size);
        pen.lineTo(x + size, y + size);
        pen.closePath();
      } else if (drawer === view.failed) {
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

function drawLabels(view, from, to) {
  if (view.scaleY < 11 || to - from > 400) return;
  const { pen } = view;
  const { hidden, programs, values } = view.items;
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  pen.fillStyle = view.textColour;
  for (let index = from; index < to; index++) {
    const item = view.byHeight[index];
    const [x, y] = view.at(item);
    const isLeaf = !view.children.has(item);
    if (!isLeaf || x < 0 || x > view.width) continue;
    const text = hidden[item] ? `+${programs[item].toLocaleString("en")}` : values[item] === null ? "" : String(values[item]);
    if (text) pen.fillText(text, x + view.size(item) + 5, y);
  }
}

function drawAxis(view) {
  const { pen } = view;
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "alphabetic";
  pen.fillStyle = view.backColour;
  pen.fillRect(0, view.height - 22, view.width, 22);
  pen.fillStyle = view.faintColour;
  const step = niceStep(70 / view.scaleX, view.across === "depth");
  const first = Math.max(0, Math.ceil(-view.left / view.scaleX / step) * step);
  pen.textAlign = "center";
  for (let value = first; value <= view.spanX; value += step) {
    const x = view.left + value * view.scaleX;
    if (x > view.width - 80) break;
    if (x < 12) continue;
    pen.fillText(value.toLocaleString("en"), x, view.height - 7);
  }
  pen.textAlign = "right";
  pen.fillText(view.across === "depth" ? "generation" : "record", view.width - 8, view.height - 7);
  pen.textAlign = "left";
}

function drawMarks(view) {
  const { pen } = view;
  for (const item of view.picture.path) ring(view, item, view.pathColour, 1.5, 1.5);
  const last = view.picture.path.at(-1);
  if (last !== undefined) ring(view, last, view.pathColour, 2.5, 5);
  if (view.hovered >= 0) ring(view, view.hovered, view.textColour, 1.5, 4);
  if (view.selected >= 0) ring(view, view.selected, view.textColour, 2.5, 5);
}

function ring(view, item, colour, wide, away) {
  const [x, y] = view.at(item);
  if (x < -20 || y < -20 || x > view.width + 20 || y > view.height + 20) return;
  view.pen.beginPath();
  view.pen.arc(x, y, view.size(item) + away, 0, 6.283);
  view.pen.strokeStyle = colour;
  view.pen.lineWidth = wide;
  view.pen.stroke();
}

// What many lines cover of each row of pixels (or column): +1 where one begins, -1 where it ends.
class Cover {
  constructor(rows, length) {
    this.rows = Math.ceil(rows) + 1;
    this.length = Math.ceil(length) + 1;
    this.steps = new Int16Array(this.rows * this.length);
  }

  add(row, start, end) {
    if (row < 0 || row >= this.rows) return;
    this.steps[row * this.length + start] += 1;
    this.steps[row * this.length + end] -= 1;
  }

  each(draw) {
    for (let row = 0; row < this.rows; row++) {
      let lines = 0;
      let began = 0;
      for (let place = 0; place < this.length; place++) {
        const step = this.steps[row * this.length + place];
        if (!step) continue;
        if (!lines) began = place;
        lines += step;
        if (!lines) draw(row, began, place);
      }
    }
  }
}

function niceStep(least, isWhole) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-9)));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= least);
  return isWhole || step < 1 ? Math.max(1, step) : step;
}
