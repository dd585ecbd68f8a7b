// The app's modals: my topmost view, its fields and their faults, and the views under it.

import { parts } from "./blocks.js";
import { pressed } from "./confirm.js";
import { $, act, h, keyed } from "./dom.js";
import { values } from "./elements.js";
import { icon, mark } from "./icons.js";
import { plain } from "./mrkdwn.js";
import { modals, page } from "./state.js";

let drawn = { id: "", body: null };
/** What is typed into the views that lie under the topmost: view id -> values. */
const under = new Map();

/** Show my topmost modal as it is now, or none. What was typed stays where its field stays. */
export function drawModal() {
  const dialog = $("modal");
  const stack = modals();
  const view = stack.at(-1);
  for (const id of under.keys()) if (!stack.some((one) => one.id === id)) under.delete(id);
  if (!view) {
    drawn = { id: "", body: null };
    if (dialog.open) dialog.close();
    return;
  }
  const same = drawn.id === view.id;
  const typed = (same ? values(dialog) : under.get(view.id)) ?? {};
  if (drawn.body && !same) under.set(drawn.id, values(dialog));
  if (!same) drawn = { id: view.id, body: h("div", { class: "dialog-body", tabindex: "-1" }) };
  const changed = dialog.dataset.shown !== JSON.stringify(view);
  if (!changed && dialog.open) return;
  dialog.dataset.shown = JSON.stringify(view);
  const faults = view.errors ?? {};
  const general = faults[""];
  const place = {
    press: (e, block, value, node) => press(view, e, block, value, node),
    held: (block, e) => typed[block.block_id]?.[e.action_id],
    error: (block) => faults[block.block_id],
    where: { view_id: view.id },
  };
  keyed(drawn.body, [
    ...(general ? [[`!${general}`, () => h("p", { class: "b-alert error", role: "alert" }, general)]] : []),
    ...parts(view.blocks, place),
  ]);
  if (!same || !dialog.open || dialog.dataset.frame !== frameOf(view)) dialog.replaceChildren(form(view));
  dialog.dataset.frame = frameOf(view);
  dialog.oncancel = (event) => (event.preventDefault(), leave(view.id));
  dialog.onclose = () => dialog.open || leaveModal();
  if (!dialog.open) dialog.showModal();
  settle(dialog, !same, faults);
}

const frameOf = (view) => JSON.stringify([view.id, view.title, view.submit, view.close, view.previous_view_id]);

/** Put the focus on the first fault, or, in a new view, on its first field. */
function settle(dialog, fresh, faults) {
  const first = Object.keys(faults).length ? dialog.querySelector(".faulty :is(input, textarea, [tabindex])") : null;
  if (first) first.focus();
  else if (fresh)
    (
      dialog.querySelector(".dialog-body :is(input, textarea, button)") ??
      dialog.querySelector(".dialog-buttons button")
    )?.focus();
}

const leave = (id) =>
  act("dismiss", { user: page.me, view_id: id }).catch(() => {
    /* it is gone already */
  });

/** Close what is open: whoever follows a link out of a modal wants to see where it leads. */
export function leaveModal() {
  const top = modals().at(-1);
  if (top) leave(top.root_view_id);
}

function form(view) {
  const back = view.previous_view_id;
  return h(
    "form",
    {
      novalidate: true,
      onsubmit: (event) => (event.preventDefault(), submit(view, event.currentTarget)),
      onkeydown: (event) =>
        event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.currentTarget.requestSubmit(),
    },
    h(
      "header",
      { class: "dialog-head" },
      back
        ? h(
            "button",
            { type: "button", class: "plain square", "aria-label": "Back", onclick: () => leave(view.id) },
            icon("back"),
          )
        : mark(),
      h("h2", { id: "modal-title" }, plain(view.title)),
      h(
        "button",
        { type: "button", class: "plain square", "aria-label": "Close", onclick: () => leave(view.root_view_id) },
        icon("close"),
      ),
    ),
    drawn.body,
    h(
      "div",
      { class: "dialog-buttons" },
      h(
        "button",
        { type: "button", class: "b-button", onclick: () => leave(view.id) },
        view.close ? plain(view.close) : "Close",
      ),
      view.submit && h("button", { type: "submit", class: "b-button filled primary" }, plain(view.submit)),
    ),
  );
}

async function submit(view, from) {
  const button = from.querySelector("[type=submit]");
  if (!button || button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    await act("submit", { user: page.me, view_id: view.id, values: values(from) });
  } catch {
    /* the sentence comes with the view, at its field */
  } finally {
    button.removeAttribute("aria-busy");
  }
}

const press = (view, e, block, value, node) =>
  pressed(e, node, () =>
    act("click", { user: page.me, view_id: view.id, action_id: e.action_id, value, values: values($("modal")) }),
  );
