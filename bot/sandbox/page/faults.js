// The buttons that break things, and what they did.

import { $, act, h } from "./dom.js";
import { page } from "./state.js";

/** Draw one for each that the sandbox knows, under what it is a fault of. */
export function drawFaults() {
  const groups = new Map();
  for (const fault of page.info.faults ?? []) groups.set(fault.of, [...(groups.get(fault.of) ?? []), fault]);
  $("faults").replaceChildren(
    ...[...groups].map(([of, faults]) =>
      h("div", { class: "fault-group", role: "group", "aria-label": of }, h("h4", {}, of), faults.map(button)),
    ),
    manners(page.info.versions ?? []),
  );
}

/** How a version treats its visitors, changed while one watches. */
function manners(versions) {
  const which = h("select", { "aria-label": "Version" }, versions.map((name) => h("option", { value: name }, name)));
  which.value = page.info.first ?? "";
  const change = (label, said, manner) => {
    const body = () => ({ version: which.value, ...manner });
    return button({ label, path: "shop", body, said: () => `${which.value} ${said}` });
  };
  return h(
    "div",
    { class: "fault-group", role: "group", "aria-label": "A version" },
    h("h4", {}, "A version, wherever it is served"),
    which,
    change("Fail one visit in five", "fails one visit in five from now on.", { error_rate: 0.2 }),
    change("Take 2.5 s a visit", "takes 2.5 seconds a visit from now on.", { latency_ms: 2500 }),
    change("Be well again", "is well from now on.", { error_rate: 0, latency_ms: 0 }),
  );
}

const button = (fault) =>
  h(
    "button",
    { type: "button", class: "b-button", onclick: (event) => press(fault, event.currentTarget) },
    fault.label,
  );

async function press({ spec, said, path = "fault", body = () => spec }, button) {
  const told = $("fault-said");
  button.setAttribute("aria-busy", "true");
  try {
    await act(path, body());
    told.textContent = typeof said === "function" ? said() : said;
  } catch (wrong) {
    told.textContent = wrong.message;
  } finally {
    button.removeAttribute("aria-busy");
  }
}
