// Confirm dialogs of buttons, modals of the app, and what could not be done.

import { $, act, h, page } from "./dom.js";
import { blocks } from "./blocks.js";
import { plain, text } from "./mrkdwn.js";

/** Ask as Slack asks before it sends a click; resolves to whether the person meant it. */
export function ask(confirm) {
  const dialog = $("confirm");
  const answer = (value) => () => dialog.close(value);
  dialog.replaceChildren(
    h("h2", { id: "confirm-title" }, plain(confirm.title)),
    h("div", { class: "dialog-body" }, h("p", {}, text(confirm.text))),
    h(
      "div",
      { class: "dialog-buttons" },
      confirm.deny && h("button", { type: "button", class: "b-button", onclick: answer("no") }, plain(confirm.deny)),
      h("button", { type: "button", class: `b-button filled ${confirm.style ?? "primary"}`, onclick: answer("yes"), autofocus: true }, plain(confirm.confirm)),
    ),
  );
  return shown(dialog).then((value) => value === "yes");
}

/** Tell the person why something was not done. */
export function complain(sentence) {
  ask({
    title: { text: "That did not work" },
    text: { type: "plain_text", text: sentence },
    confirm: { text: "All right" },
  });
}

function shown(dialog) {
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

let open = { id: "", hash: "" };

/** Show my topmost modal, or none. */
export function drawModal() {
  const dialog = $("modal");
  const view = page.slack.views.filter((v) => v.type === "modal" && v.user === page.me).at(-1);
  if (!view) {
    open = { id: "", hash: "" };
    if (dialog.open) dialog.close();
    return;
  }
  const errors = JSON.stringify(view.errors ?? {});
  if (open.id === view.id && open.hash === view.hash && open.errors === errors) return;
  const typed = open.id === view.id ? values(dialog) : {};
  open = { id: view.id, hash: view.hash, errors };
  dialog.replaceChildren(form(view, typed));
  dialog.oncancel = (event) => {
    event.preventDefault();
    act("dismiss", { user: page.me, view_id: view.id });
  };
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector("[aria-invalid]") ?? dialog.querySelector("input, textarea, select"))?.focus();
}

function form(view, typed) {
  const fault = view.errors?.[""];
  const send = async (event) => {
    event.preventDefault();
    await act("submit", { user: page.me, view_id: view.id, values: values(event.target) }).catch(() => {
      /* the sentence comes back with the view, at its field */
    });
  };
  return h(
    "form",
    { onsubmit: send },
    h("h2", { id: "modal-title" }, plain(view.title)),
    h("div", { class: "dialog-body" }, fault && h("p", { class: "wrong", role: "alert" }, fault), view.blocks.map((block) => (block.type === "input" ? input(view, block, typed) : blocks([block], (e, b, value) => pressed(view, e, value))))),
    h(
      "div",
      { class: "dialog-buttons" },
      h("button", { type: "button", class: "b-button", onclick: () => act("dismiss", { user: page.me, view_id: view.id }) }, view.close ? plain(view.close) : "Cancel"),
      view.submit && h("button", { type: "submit", class: "b-button filled primary" }, plain(view.submit)),
    ),
  );
}

const pressed = async (view, e, value) => {
  if (e.confirm && !(await ask(e.confirm))) return;
  const typed = values($("modal"));
  await act("click", { user: page.me, view_id: view.id, action_id: e.action_id, value, values: typed }).catch((wrong) => complain(wrong.message));
};

function input(view, block, typed) {
  const id = `in-${block.block_id}`;
  const error = view.errors?.[block.block_id];
  const shared = { id, name: block.block_id, required: !block.optional, "aria-invalid": error ? "true" : null, "aria-describedby": `${id}-note` };
  const held = typed[block.block_id];
  return h(
    "div",
    { class: "input" },
    h("label", { for: id }, plain(block.label), block.optional && h("span", { class: "small" }, " (optional)")),
    control(view, block.element, shared, held),
    h("p", { id: `${id}-note`, class: error ? "wrong" : "small" }, error ?? (block.hint ? plain(block.hint) : "")),
  );
}

function control(view, e, shared, held) {
  const placeholder = e.placeholder?.text;
  const options = e.options ?? (e.option_groups ?? []).flatMap((group) => group.options);
  if (e.type === "external_select") {
    const list = h("datalist", { id: `${shared.id}-list` });
    const ask = async (event) => {
      const { options: found } = await act("options", { user: page.me, view_id: view.id, action_id: e.action_id, value: event.target.value });
      event.target.found = found;
      list.replaceChildren(...found.map((o) => h("option", { value: o.text.text })));
      const known = !event.target.value || found.some((o) => o.text.text === event.target.value);
      event.target.setCustomValidity(known ? "" : "Choose one of what is offered.");
    };
    const field = h("input", { ...shared, placeholder, list: list.id, value: held?.text?.text ?? e.initial_option?.text.text, onfocus: ask, oninput: ask });
    field.external = true;
    field.found = [held, e.initial_option].filter(Boolean);
    return h("div", {}, field, list);
  }
  if (options.length) {
    const many = e.type.startsWith("multi_") || e.type === "checkboxes";
    const first = held ?? (many ? (e.initial_options ?? []).map((o) => o.value) : e.initial_option?.value);
    const on = (o) => (many ? (first ?? []).includes(o.value) : o.value === first);
    return h("select", { ...shared, multiple: many }, !many && !first && h("option", { value: "" }, placeholder ?? "Choose one"), options.map((o) => h("option", { value: o.value, selected: on(o) }, plain(o.text))));
  }
  const value = held ?? e.initial_value ?? "";
  if (e.multiline) return h("textarea", { ...shared, placeholder, rows: 4, maxlength: e.max_length }, value);
  const kind = { datepicker: "date", timepicker: "time", number_input: "number", email_text_input: "email", url_text_input: "url" }[e.type];
  return h("input", { ...shared, type: kind ?? "text", placeholder, value, maxlength: e.max_length });
}

/** block id -> what was typed or chosen. */
function values(root) {
  const found = {};
  for (const field of root.querySelectorAll("[name]")) {
    if (field.multiple) found[field.name] = [...field.selectedOptions].map((o) => o.value);
    else if (field.external) found[field.name] = field.found.find((o) => o.text.text === field.value);
    else if (field.value) found[field.name] = field.value;
  }
  return found;
}
