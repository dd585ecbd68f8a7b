// The question that Slack asks before it sends a click, and the sentence where something could not be done.

import { $, follow, h } from "./dom.js";
import { icon } from "./icons.js";
import { plain, text } from "./mrkdwn.js";

/** Ask; resolves to whether the person meant it. The focus goes back to where it was, or to what held that. */
function ask(confirm) {
  const dialog = $("confirm");
  const from = document.activeElement;
  const around = from?.parentElement?.closest("[tabindex]");
  return new Promise((resolve) => {
    const answer = (meant) => () => {
      dialog.close();
      if (!from?.isConnected) around?.focus({ preventScroll: true });
      resolve(meant);
    };
    dialog.oncancel = (event) => (event.preventDefault(), answer(false)());
    dialog.onclose = () => dialog.open || answer(false)();
    dialog.replaceChildren(
      h(
        "header",
        { class: "dialog-head" },
        h("h2", { id: "confirm-title" }, plain(confirm.title)),
        h(
          "button",
          { type: "button", class: "plain square", "aria-label": "Close", onclick: answer(false) },
          icon("close"),
        ),
      ),
      h("div", { class: "dialog-body words", id: "confirm-text" }, text(confirm.text)),
      h(
        "div",
        { class: "dialog-buttons" },
        confirm.deny && h("button", { type: "button", class: "b-button", onclick: answer(false) }, plain(confirm.deny)),
        h(
          "button",
          {
            type: "button",
            class: `b-button filled ${confirm.style ?? "primary"}`,
            onclick: answer(true),
            autofocus: true,
          },
          plain(confirm.confirm),
        ),
      ),
    );
    dialog.showModal();
  });
}

/** Tell the person why something was not done. */
const complain = (sentence) =>
  ask({
    title: { text: "That did not work" },
    text: { type: "plain_text", text: sentence, emoji: false },
    confirm: { text: "All right" },
  });

/** Do what a click on an element means: ask first where it wants that, open its link, tell the app. */
export async function pressed(e, node, send) {
  if (e.confirm && !(await ask(e.confirm))) return;
  if (e.url) follow(e.url);
  node.setAttribute("aria-busy", "true");
  try {
    await send();
  } catch (wrong) {
    complain(wrong.message);
  } finally {
    node.removeAttribute("aria-busy");
  }
}
