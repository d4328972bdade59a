// Mouse, touch and keyboard on the canvas of a tree. What they mean is said by `hands`: choose, open, hover, moved.

const DRAG_PX = 4;
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const PAN_PX = 60;

export function listen(canvas, hands) {
  const { view } = hands;
  const fingers = new Map();
  let moved = 0;

  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 1 || !view.picture) return;
    canvas.setPointerCapture(event.pointerId);
    if (!fingers.size) moved = 0;
    fingers.set(event.pointerId, spot(event));
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!view.picture) return;
    const now = spot(event);
    const before = fingers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") hands.hover(view.hit(...now));
      return;
    }
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    moved += Math.hypot(dx, dy);
    if (moved < DRAG_PX) return;
    canvas.classList.add("held");
    if (fingers.size === 2) pinch(event.pointerId, before, now);
    else view.pan(dx, dy);
    fingers.set(event.pointerId, now);
    hands.moved();
  });

  function pinch(id, before, now) {
    const [, other] = [...fingers].find(([key]) => key !== id);
    const apart = (one) => Math.max(10, Math.hypot(one[0] - other[0], one[1] - other[1]));
    view.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    view.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  const lift = (event) => {
    const was = fingers.delete(event.pointerId);
    if (!fingers.size) canvas.classList.remove("held");
    if (!was || event.type === "pointercancel" || moved >= DRAG_PX || !view.picture) return;
    const isTouch = event.pointerType !== "mouse";
    const item = view.hit(...spot(event), isTouch ? 22 : 9);
    if (item < 0) hands.choose(-1);
    // A finger can not hover: the first touch tells what it is, the second opens it.
    else if (isTouch && view.selected !== item) hands.choose(item);
    else hands.open(item, event.ctrlKey || event.metaKey || event.button === 1);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => hands.hover(-1));

  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!view.picture) return;
      event.preventDefault();
      // With Shift some systems turn the wheel sideways.
      const turned = event.deltaY || event.deltaX;
      const pixels = turned * [1, 16, 400][event.deltaMode];
      view.zoom(Math.exp(-Math.max(-300, Math.min(300, pixels)) / 300), ...spot(event), event.shiftKey ? "across" : "");
      hands.moved();
    },
    { passive: false },
  );

  canvas.addEventListener("keydown", (event) => {
    if (!view.picture || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!press(event)) return;
    event.preventDefault();
    hands.moved();
  });

  function press({ key, shiftKey }) {
    const arrow = ARROWS[key];
    if (arrow && shiftKey) view.pan(arrow[0] * PAN_PX, arrow[1] * PAN_PX);
    else if (arrow) step(beside(view, key));
    else if (key === "+" || key === "=") view.zoom(1.4);
    else if (key === "-" || key === "_") view.zoom(1 / 1.4);
    else if (key === "0") view.fit();
    else if (key === "Home") step(view.children.get(-1)?.[0] ?? -1);
    else if (key === "End") step(view.picture.path.at(-1) ?? -1);
    else if (key === "Enter" || key === " ") hands.open(view.selected);
    else if (key === "Escape" && view.selected >= 0) hands.choose(-1);
    else return false;
    return true;
  }

  function step(item) {
    if (item < 0) return;
    view.reveal(item);
    hands.choose(item, true);
  }
}

// Where an arrow leads from the chosen item: to its parent, its child of most weight, or its sibling; beyond the last
// sibling to the next item of the same generation. From none to where the tree begins.
export function beside(view, key) {
  const { selected: item, children } = view;
  const { parents, programs, depths } = view.items;
  if (item < 0) return children.get(-1)?.[0] ?? -1;
  if (key === "ArrowLeft") return parents[item] >= 0 ? parents[item] : item;
  if (key === "ArrowRight") {
    const below = children.get(item) ?? [];
    const onPath = below.find((child) => view.onPath.has(child));
    return onPath ?? below.reduce((best, child) => (best < 0 || programs[child] > programs[best] ? child : best), -1);
  }
  const step = key === "ArrowUp" ? -1 : 1;
  const siblings = children.get(parents[item]);
  const next = siblings[siblings.indexOf(item) + step];
  if (next !== undefined) return next;
  let index = view.byHeight.indexOf(item) + step;
  while (index >= 0 && index < view.count && depths[view.byHeight[index]] !== depths[item]) index += step;
  return view.byHeight[index] ?? item;
}
