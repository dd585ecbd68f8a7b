// Leads a newcomer in three sentences: what to type first, whom to become, what to look at; made of what there is.

import { $, h } from "./dom.js";
import { icon } from "./icons.js";
import { channel, conversation, isBot, page, people, person, servers } from "./state.js";

const HIDDEN = "guide hidden";
let told = "";

/** Draw it anew where what it says has changed. `on` is {fill(text, as), become(name), look()}. */
export function drawGuide(on) {
  const box = $("guide");
  const production = servers()[0];
  const { first, broken } = page.info;
  box.hidden = sessionStorage.getItem(HIDDEN) === "yes" || !production || !first;
  if (box.hidden) return;
  const next = production.version === first && broken;
  const version = next ? broken : first;
  const step = reached(version, production);
  const now = JSON.stringify([version, step, production.version]);
  if (now === told) return;
  told = now;
  const tell = next ? again(production, version, on) : start(production, version, on);
  $("guide-steps").replaceChildren(
    ...tell.map((said, index) =>
      h(
        "li",
        { "aria-current": index === step ? "step" : null, class: index < step ? "done" : null },
        h("span", { class: "number", "aria-hidden": "true" }, index < step ? icon("check") : String(index + 1)),
        h("span", {}, said, index < step && h("span", { class: "unseen" }, " Done.")),
      ),
    ),
  );
}

/** 0: to be asked for, 1: to be approved, 2: to be watched. */
function reached(version, production) {
  const asked = (m) =>
    isBot(m.user) &&
    !m.is_ephemeral &&
    m.blocks &&
    m.text.startsWith("Deploy ") &&
    m.text.includes(` ${version} `) &&
    m.text.includes(production.environment);
  const card = conversation(channel()).filter(asked).at(-1);
  if (!card) return 0;
  return card.blocks.some((block) => block.elements?.some((e) => e.text?.text === "Approve")) ? 1 : 2;
}

const link = (label, onclick) => h("button", { type: "button", class: "as-link strong", onclick }, label);
const code = (text, onclick) => h("button", { type: "button", class: "code", onclick }, text);

function start(production, version, on) {
  const [asker] = people();
  const lead = person("lead");
  const line = `${page.info.command} deploy ${version}`;
  return [
    [
      `As ${asker.display}, type `,
      code(line, () => on.fill(line, asker.name)),
      " and press Enter. The bot answers with a plan.",
    ],
    [link(`Become ${lead.display}`, () => on.become(lead.name)), `, the ${lead.title}, and press Approve on the card.`],
    [
      "Watch the card, its thread and ",
      link("the shop", on.look),
      `: ${production.name} goes from ${production.version} to ${version}, and no visit fails.`,
    ],
  ];
}

function again(production, version, on) {
  const [asker] = people();
  const lead = person("lead");
  const line = `${page.info.command} deploy ${version}`;
  return [
    [`${production.version} is live. Now type `, code(line, () => on.fill(line, asker.name)), ", which is broken."],
    [link(`Become ${lead.display}`, () => on.become(lead.name)), " again, and approve it all the same."],
    ["Watch ", link("the shop", on.look), `: no visitor ever gets ${version}, and the card says why.`],
  ];
}

/** The button that hides it for this tab. */
export function wireGuide() {
  $("guide-close").onclick = () => {
    sessionStorage.setItem(HIDDEN, "yes");
    $("guide").hidden = true;
    $("text").focus();
  };
}
