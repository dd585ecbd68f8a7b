// Who I am in this Slack, and for whom something waits that they have not seen.

import { $, h } from "./dom.js";
import { avatar } from "./messages.js";
import { channel, conversation, isReply, page, people, whispers } from "./state.js";

/** Person -> when, in seconds, they last looked; at first, when this page did. */
const seen = new Map();

/** Draw the people; `become(name)` is called when another one is chosen. */
export function drawPeople(become) {
  $("people").replaceChildren(
    ...people().map((person) => {
      const [first, ...rest] = person.display.split(" ");
      return h(
        "label",
        { class: "person" },
        h("input", {
          type: "radio",
          name: "me",
          id: `is-${person.name}`,
          checked: person.name === page.me,
          onchange: () => become(person.name),
        }),
        avatar(person.id),
        h("span", { class: "name" }, first, h("span", { class: "rest" }, ` ${rest.join(" ")}`)),
        h("span", { class: "title" }, person.title),
        h("span", { class: "badge", id: `badge-${person.name}` }),
      );
    }),
  );
}

/** Count at each of the others what speaks to them since they last looked; what is in front of me I have seen. */
export function drawBadges() {
  const all = conversation(channel());
  for (const person of people()) {
    if (person.name === page.me || !seen.has(person.name)) seen.set(person.name, Date.now() / 1000);
    const since = (m) => Number(m.ts) > seen.get(person.name);
    const mine = (m) =>
      !m.is_ephemeral && m.user !== person.id && JSON.stringify([m.text, m.blocks]).includes(`<@${person.id}>`);
    const count =
      all.filter((m) => since(m) && mine(m)).length +
      whispers(person.name).filter((m) => since(m) && !isReply(m)).length;
    const badge = $(`badge-${person.name}`);
    badge.hidden = !count;
    badge.replaceChildren(...(count ? [String(count), h("span", { class: "unseen" }, " unread")] : []));
  }
}
