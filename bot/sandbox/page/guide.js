// Leads a newcomer in four sentences: what to type, whom to become, what to look at; made of what there is.

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
  const step = next ? tried(version) : reached(version, production);
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

/** The newest card of a deploy of that version to that environment. */
function cardOf(version, environment) {
  const title = `Deploy ${version} to ${environment}`;
  const mine = (m) => isBot(m.user) && !m.is_ephemeral && m.blocks && m.text.startsWith(title);
  return conversation(channel()).filter(mine).at(-1);
}

/** 0: to be tried in staging, 1: to be asked for, 2: to be approved, 3: to be watched. */
function reached(version, production) {
  const card = cardOf(version, production.environment);
  if (!card) return tried(version);
  return card.blocks.some((block) => block.elements?.some((e) => e.text?.text === "Approve")) ? 2 : 3;
}

/** 1 once it was asked for in staging. */
const tried = (version) => (cardOf(version, staging()) ? 1 : 0);
const staging = () => servers()[1]?.environment ?? "staging";

const link = (label, onclick) => h("button", { type: "button", class: "as-link strong", onclick }, label);
const code = (text, onclick) => h("button", { type: "button", class: "code", onclick }, text);

function start(production, version, on) {
  const [asker] = people();
  const [lead, devops] = [person("lead"), person("devops")];
  const line = `${page.info.command} deploy ${version}`;
  const first = `${line} to ${staging()}`;
  return [
    [
      `As ${asker.display}, type `,
      code(first, () => on.fill(first, asker.name)),
      " and press Enter. It starts at once.",
    ],
    ["Then type ", code(line, () => on.fill(line, asker.name)), ". The bot says who has to approve."],
    [
      link(`Become ${lead.display}`, () => on.become(lead.name)),
      `, the ${lead.title}, and press Approve on the card; `,
      link(`become ${devops.display}`, () => on.become(devops.name)),
      ", DevOps, and approve it too. It starts.",
    ],
    [
      "Watch the card, its thread and ",
      link("the shop", on.look),
      `: ${production.name} goes from ${production.version} to ${version}, and no visit fails.`,
    ],
  ];
}

function again(production, version, on) {
  const [asker] = people();
  const line = `${page.info.command} deploy ${version} to ${staging()}`;
  return [
    [`${production.version} is live. Now type `, code(line, () => on.fill(line, asker.name)), ", which is broken."],
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
