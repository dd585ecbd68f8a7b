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
  );
}

const button = (fault) =>
  h(
    "button",
    { type: "button", class: "b-button", onclick: (event) => press(fault, event.currentTarget) },
    fault.label,
  );

async function press({ spec, said }, button) {
  const told = $("fault-said");
  button.setAttribute("aria-busy", "true");
  try {
    await act("fault", spec);
    told.textContent = said;
  } catch (wrong) {
    told.textContent = wrong.message;
  } finally {
    button.removeAttribute("aria-busy");
  }
}
