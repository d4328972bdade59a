// What every page does: the theme, live updates, tables, plots. Each part works on what it finds in a piece of the page,
// and again on what a live update brings.
import { startLive } from "./live.js";
import { prepareTables } from "./table.js";
import { preparePlots, redrawPlots } from "./plot.js";

const PREPARE = [prepareTables, preparePlots];

function prepare(root) {
  for (const one of PREPARE) one(root);
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function startTheme() {
  const button = document.querySelector("button.theme");
  const show = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `${button.textContent} theme`);
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("theme", next);
    } catch {
      // It holds for this page then.
    }
    show();
    redrawPlots();
    document.dispatchEvent(new Event("evolve:theme"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    show();
    redrawPlots();
    document.dispatchEvent(new Event("evolve:theme"));
  });
  show();
}

// Links and buttons that copy: <button data-copy="#id of what is copied">.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const text = document.querySelector(button.dataset.copy).textContent;
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = said), 1500);
});

startTheme();
prepare(document);
startLive(prepare);
