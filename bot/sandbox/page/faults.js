// The buttons that break things, and what they did.

import { $, act, h } from "./dom.js";
import { page } from "./state.js";

const SLACK = [
  { label: "Kill the bot", spec: { kill: "bot" }, said: "The bot was killed. It is started again at once." },
  { label: "Slack down for 20 s", spec: { slack: "down", seconds: 20 }, said: "Slack is down for 20 seconds. Nobody can type or press anything, and a deploy goes on." },
  { label: "Deliver everything twice", spec: { deliver: "twice" }, said: "Slack delivers every command and every click twice from now on." },
  { label: "Deliver once again", spec: { deliver: "once" }, said: "Slack delivers everything once." },
];

/** Draw them: the bot's and Slack's, and those that the world tells of. */
export function drawFaults() {
  const known = new Set(SLACK.map(({ label }) => label));
  const all = [...SLACK, ...(page.info.faults ?? []).filter(({ label }) => !known.has(label))];
  $("faults").replaceChildren(...all.map((fault) => h("button", { type: "button", class: "b-button", onclick: (event) => press(fault, event.currentTarget) }, fault.label)));
}

async function press({ label, spec, said }, button) {
  const told = $("fault-said");
  button.setAttribute("aria-busy", "true");
  try {
    await act("fault", spec);
    told.textContent = said ?? `Done: ${label}.`;
  } catch (wrong) {
    told.textContent = wrong.message;
  } finally {
    button.removeAttribute("aria-busy");
  }
}
