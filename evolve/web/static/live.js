// Live updates. The page says what it watches (run ids, or * for anything); when that changes it is asked for again and
// its parts (elements with data-part and an id) that differ are put in the place of the old ones. Nothing is reloaded:
// where the reader has scrolled, what has the focus and what was opened stays.

const LEAST_MS = 2000;

export function startLive(prepare) {
  const watched = document.body.dataset.watch;
  if (!watched || !window.EventSource) return;
  const keys = watched.split(" ");
  const sign = document.querySelector(".live");
  let last = null;
  let due = false;
  let busy = false;
  let lastMs = 0;

  const say = (text) => {
    if (sign.textContent !== text) sign.textContent = text;
    sign.hidden = false;
  };

  const refresh = async () => {
    if (busy || !due || document.hidden) return;
    const wait = lastMs + LEAST_MS - performance.now();
    if (wait > 0) {
      setTimeout(refresh, wait);
      return;
    }
    busy = true;
    due = false;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
      if (answer.ok) replaceParts(new DOMParser().parseFromString(await answer.text(), "text/html"), prepare);
    } catch {
      due = true;
    }
    lastMs = performance.now();
    busy = false;
    if (due) setTimeout(refresh, LEAST_MS);
  };

  const stream = new EventSource("/live");
  stream.onopen = () => say("live");
  stream.onerror = () => say("not connected");
  stream.onmessage = (event) => {
    const pulse = JSON.parse(event.data);
    const now = JSON.stringify(keys.map((key) => pulse[key] ?? null));
    if (last !== null && now !== last) {
      due = true;
      refresh();
    }
    last = now;
  };
  document.addEventListener("visibilitychange", refresh);
  addEventListener("pagehide", () => stream.close());
}

export function replaceParts(fresh, prepare) {
  for (const old of document.querySelectorAll("[data-part]")) {
    const next = fresh.getElementById(old.id);
    // Scripts change what they prepare, so what the server said is compared with what it said before.
    const text = next?.innerHTML;
    if (!next || text === (old.served ?? servedBefore(old))) continue;
    const place = rememberPlace(old);
    old.innerHTML = text;
    old.served = text;
    prepare(old);
    restorePlace(old, place);
    document.dispatchEvent(new CustomEvent("evolve:part", { detail: old }));
  }
}

const first = new Map();
for (const part of document.querySelectorAll("[data-part]")) first.set(part.id, part.innerHTML);
function servedBefore(part) {
  return first.get(part.id);
}

function rememberPlace(part) {
  const focus = part.contains(document.activeElement) ? document.activeElement : null;
  return {
    key: focus ? keyOf(focus) : null,
    value: focus && "value" in focus ? focus.value : null,
    start: focus?.selectionStart ?? null,
    open: [...part.querySelectorAll("details[open]")].map(keyOf),
    scrolls: [...part.querySelectorAll("[data-scroll]")].map((one) => [keyOf(one), one.scrollTop, one.scrollLeft]),
  };
}

function keyOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const href = element.getAttribute("href");
  return href ? `${element.localName}[href="${CSS.escape(href)}"]` : element.localName;
}

function restorePlace(part, place) {
  for (const key of place.open) part.querySelector(key)?.setAttribute("open", "");
  for (const [key, top, left] of place.scrolls) part.querySelector(key)?.scrollTo(left, top);
  const focus = place.key && part.querySelector(place.key);
  if (!focus) return;
  if (place.value !== null && "value" in focus) focus.value = place.value;
  focus.focus({ preventScroll: true });
  if (place.start !== null) focus.setSelectionRange?.(place.start, place.start);
}
