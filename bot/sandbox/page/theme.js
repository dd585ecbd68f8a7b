// Light, dark, or as the reader's system has it; kept for the next visit.

import { $ } from "./dom.js";

const KEPT = "theme";

/** Take up what was chosen before, and let the select choose. */
export function wireTheme() {
  const asked = new URLSearchParams(location.search).get("theme");
  const select = $("theme");
  const put = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  select.value = ["light", "dark"].includes(asked) ? asked : (localStorage.getItem(KEPT) ?? "auto");
  put(select.value);
  select.onchange = () => {
    localStorage.setItem(KEPT, select.value);
    put(select.value);
  };
}
