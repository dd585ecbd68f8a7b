// Block Kit's interactive elements as a person uses them, and what was put into each in the shape that Slack sends.

import { act, h } from "./dom.js";
import { icon } from "./icons.js";
import { link, plain, text } from "./mrkdwn.js";
import { matching, picker } from "./picker.js";
import { moved, popup } from "./popup.js";
import { channel, page, people } from "./state.js";

const entries = new WeakMap();
const NATIVE = {
  datepicker: "date",
  timepicker: "time",
  datetimepicker: "datetime-local",
  number_input: "number",
  email_text_input: "email",
  url_text_input: "url",
};
const PICKED = {
  datepicker: "date",
  timepicker: "time",
  datetimepicker: "date_time",
  users_select: "user",
  conversations_select: "conversation",
  channels_select: "channel",
  multi_users_select: "users",
};

/** What was put into the elements below `root`: block id -> action id -> Slack's state. */
export function values(root) {
  const found = {};
  for (const node of root.querySelectorAll("[data-entry]"))
    (found[node.dataset.block] ??= {})[node.dataset.action] = entries.get(node)();
  return found;
}

/**
 * One element. `place` says where it stands: press(e, block, value, node) is called when a person uses it, and
 * held(block, e), where there is one, gives what was in it before. `props` go to what has the focus.
 */
export function element(e, block, place, props) {
  if (e.type === "image") return picture(e);
  if (e.type === "button") return button(e, block, place);
  if (e.type === "overflow") return overflow(e, block, place);
  const held = place.held?.(block, e);
  if (e.type === "radio_buttons" || e.type === "checkboxes") return choices(e, block, place, held, props);
  if (e.type.endsWith("_select")) return select(e, block, place, held, props);
  return field(e, block, place, held, props);
}

// Nothing is fetched from outside: a picture from elsewhere is a link with its description.
export const picture = (e) => h("span", { class: "picture" }, link(e.image_url ?? "", `Picture: ${e.alt_text}`));

function entry(node, e, block, read) {
  Object.assign(node.dataset, { entry: "", block: block.block_id, action: e.action_id });
  entries.set(node, read);
  return node;
}

function button(e, block, place) {
  const made = h(
    "button",
    {
      type: "button",
      class: `b-button ${e.style ?? ""}`,
      "data-action": e.action_id,
      "aria-label": e.accessibility_label,
      onclick: () => place.press(e, block, e.value ?? null, made),
    },
    plain(e.text),
  );
  return made;
}

function overflow(e, block, place) {
  const open = h(
    "button",
    {
      type: "button",
      class: "b-button more",
      "data-action": e.action_id,
      "aria-label": "More actions",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      onclick: () => (menu.shown ? close() : show()),
    },
    icon("more"),
  );
  const menu = popup(open, {
    class: "menu",
    role: "menu",
    onkeydown: (event) => key(event),
    onfocusout: (event) => menu.node.contains(event.relatedTarget) || close(false),
  });
  const rows = e.options.map((option) =>
    h(
      "button",
      {
        type: "button",
        class: "menu-row",
        role: "menuitem",
        tabindex: "-1",
        onclick: () => (close(), place.press(e, block, option.value, open)),
      },
      plain(option.text),
    ),
  );
  menu.node.append(...rows);
  const show = () => {
    menu.open();
    open.setAttribute("aria-expanded", "true");
    rows[0].focus();
  };
  const close = (back = true) => {
    menu.close();
    open.setAttribute("aria-expanded", "false");
    if (back) open.focus();
  };
  const key = (event) => {
    if (["ArrowDown", "ArrowUp"].includes(event.key))
      rows[moved(rows.indexOf(document.activeElement), rows.length, event.key)].focus();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return h("span", {}, open, menu.node);
}

function choices(e, block, place, held, props) {
  const many = e.type === "checkboxes";
  const first = held
    ? many
      ? held.selected_options
      : [held.selected_option]
    : many
      ? e.initial_options
      : [e.initial_option];
  const on = (o) => (first ?? []).some((one) => one?.value === o.value);
  const group = `in-${crypto.randomUUID()}`;
  const inputs = e.options.map((o) =>
    h("input", {
      type: many ? "checkbox" : "radio",
      name: group,
      checked: on(o),
      onchange: () => place.press(e, block, read(), node),
    }),
  );
  const picked = () => e.options.filter((_, index) => inputs[index].checked);
  const read = () =>
    many ? { type: e.type, selected_options: picked() } : { type: e.type, selected_option: picked()[0] ?? null };
  const rows = e.options.map((o, index) =>
    h(
      "label",
      { class: "choice" },
      inputs[index],
      h("span", {}, text(o.text), o.description && h("span", { class: "small" }, text(o.description))),
    ),
  );
  const node = h(
    "div",
    { role: many ? "group" : "radiogroup", "aria-label": props ? null : "Choose", class: "choices", ...props },
    rows,
  );
  return entry(node, e, block, read);
}

const asOption = (value, label) => ({ value, text: { type: "plain_text", text: label, emoji: false } });

const grouped = (groups) => groups.map((group) => ({ label: group.label.text, options: group.options }));

/** What a select offers: its own options, the workspace's people or channels, or what the app answers. */
function source(e, place) {
  if (e.type.includes("external")) return null;
  if (e.type.includes("users")) return [{ options: people().map((one) => asOption(one.id, one.display)) }];
  if (e.type.includes("channels") || e.type.includes("conversations"))
    return [{ options: [asOption(channel(), `#${page.info.channel.name}`)] }];
  return e.option_groups ? grouped(e.option_groups) : [{ options: e.options }];
}

function select(e, block, place, held, props) {
  const many = e.type.startsWith("multi_");
  const own = source(e, place);
  const what = PICKED[e.type];
  const known = (id) => own?.[0].options.find((o) => o.value === id);
  const initial = what ? [e[`initial_${what}`]].flat().map(known) : [e.initial_option, ...(e.initial_options ?? [])];
  const before = what
    ? [held?.[`selected_${what}`]].flat().map(known)
    : [held?.selected_option, ...(held?.selected_options ?? [])];
  const ask = async (query) => {
    const { options, option_groups: groups } = await act("options", {
      user: page.me,
      ...place.where,
      action_id: e.action_id,
      value: query,
    });
    return groups.length ? grouped(groups) : [{ options }];
  };
  const made = picker({
    name: e.placeholder?.text ?? "Choose an option",
    placeholder: e.placeholder?.text ?? "Choose an option",
    many,
    slow: !own,
    props,
    least: own ? 0 : (e.min_query_length ?? 3),
    first: (held ? before : initial).filter(Boolean),
    find: own ? (query) => matching(own, query) : ask,
    onchange: () => place.press(e, block, read(), made.node),
  });
  const read = () => {
    const options = made.chosen();
    if (what)
      return { type: e.type, [`selected_${what}`]: many ? options.map((o) => o.value) : (options[0]?.value ?? null) };
    return many ? { type: e.type, selected_options: options } : { type: e.type, selected_option: options[0] ?? null };
  };
  return entry(made.node, e, block, read);
}

function field(e, block, place, held, props) {
  const what = PICKED[e.type];
  const local = (seconds) =>
    new Date(seconds * 1000 - new Date(seconds * 1000).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  const kept = held ? (what ? held[`selected_${what}`] : held.value) : what ? e[`initial_${what}`] : e.initial_value;
  const value = what === "date_time" && kept ? local(kept) : (kept ?? "");
  const wide = e.multiline;
  const given = () => {
    if (what === "date_time") return made.value ? Math.round(new Date(made.value) / 1000) : null;
    return made.value || null;
  };
  const read = () => ({ type: e.type, [what ? `selected_${what}` : "value"]: given() });
  const press = () => place.press(e, block, read(), made);
  const typed = (event) => event.key === "Enter" && block.dispatch_action && !wide && (event.preventDefault(), press());
  const shared = {
    placeholder: e.placeholder?.text,
    "aria-label": props ? null : (e.placeholder?.text ?? "Your answer"),
    ...props,
    onkeydown: what ? null : typed,
    onchange: what ? press : null,
  };
  const bounds = {
    min: e.min_value,
    max: e.max_value,
    step: e.type === "number_input" && e.is_decimal_allowed ? "any" : null,
  };
  const made = wide
    ? h("textarea", { ...shared, rows: 4 }, value)
    : h("input", { ...shared, ...bounds, type: NATIVE[e.type] ?? "text", value });
  return entry(made, e, block, read);
}
