// Tables that sort, filter and search: <table data-table id="...">. A header with data-sort is a button then; cells give
// what they sort by in data-value. Above it stands a search field (data-search="#id") and choices (data-filter="#id",
// with the column's name in data-column). What was chosen stands in the address, so that a link leads to it again.

export function prepareTables(root) {
  for (const table of root.querySelectorAll("table[data-table]")) prepareTable(table);
}

function stateOf(table) {
  const all = new URLSearchParams(location.hash.slice(1));
  const own = new Map();
  for (const [key, value] of all) if (key.startsWith(`${table.id}.`)) own.set(key.slice(table.id.length + 1), value);
  return own;
}

function keep(table, key, value) {
  const all = new URLSearchParams(location.hash.slice(1));
  if (value) all.set(`${table.id}.${key}`, value);
  else all.delete(`${table.id}.${key}`);
  history.replaceState(null, "", all.size ? `#${all}` : location.pathname + location.search);
}

function prepareTable(table) {
  const heads = [...table.tHead.rows[0].cells];
  for (const head of heads) {
    if (!head.hasAttribute("data-sort") || head.querySelector("button")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      keep(table, "sort", `${down ? "-" : ""}${head.dataset.sort}`);
      apply(table);
    });
  }
  for (const field of fieldsOf(table)) {
    if (field.prepared) continue;
    field.prepared = true;
    field.addEventListener("input", () => {
      keep(table, keyOf(field), field.value);
      apply(document.getElementById(table.id));
    });
  }
  apply(table);
}

function fieldsOf(table) {
  return document.querySelectorAll(`[data-search="#${table.id}"], [data-filter="#${table.id}"]`);
}

function keyOf(field) {
  return field.dataset.column ?? "search";
}

function apply(table) {
  const state = stateOf(table);
  for (const field of fieldsOf(table)) field.value = state.get(keyOf(field)) ?? "";
  sort(table, state.get("sort") ?? "");
  filter(table, state);
}

function sort(table, wanted) {
  const name = wanted.replace(/^-/, "");
  const heads = [...table.tHead.rows[0].cells];
  const column = heads.findIndex((head) => head.dataset.sort === name);
  for (const head of heads) if (head.hasAttribute("data-sort")) head.setAttribute("aria-sort", "none");
  if (column < 0) return;
  const sign = wanted.startsWith("-") ? -1 : 1;
  heads[column].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows].map((row, place) => ({ row, place, value: valueOf(row.cells[column]) }));
  rows.sort((a, b) => compare(a.value, b.value, sign) || a.place - b.place);
  table.tBodies[0].append(...rows.map((one) => one.row));
}

function valueOf(cell) {
  const text = cell.dataset.value ?? cell.textContent.trim();
  const value = Number(text);
  return text === "" ? null : Number.isNaN(value) ? text.toLowerCase() : value;
}

// What is missing is last, whatever the direction.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (a < b ? -1 : a > b ? 1 : 0);
}

function filter(table, state) {
  const words = (state.get("search") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const heads = [...table.tHead.rows[0].cells];
  const wanted = [...state].filter(([key]) => key !== "search" && key !== "sort");
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    const text = row.textContent.toLowerCase();
    const fits =
      words.every((word) => text.includes(word)) &&
      wanted.every(([key, value]) => {
        const column = heads.findIndex((head) => head.dataset.sort === key);
        const cell = row.cells[column];
        return !cell || (cell.dataset.kind ?? cell.textContent.trim()) === value;
      });
    row.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  const count = document.querySelector(`[data-count="#${table.id}"]`);
  if (count) count.textContent = `${shown} of ${table.tBodies[0].rows.length}`;
}
