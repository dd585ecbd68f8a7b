// The buttons that break things, and what they did.

import { $, act, h } from "./dom.js";
import { page } from "./state.js";

/** Draw one for each that the sandbox knows. */
export function drawFaults() {
  const all = page.info.faults ?? [];
  $("faults").replaceChildren(...all.map((fault) => h("button", { type: "button", class: "b-button", onclick: (event) => press(fault, event.currentTarget) }, fault.label)));
}

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
