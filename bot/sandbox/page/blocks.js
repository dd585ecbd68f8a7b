// Block Kit as elements: every block that a message or a Home may hold.

import { h, named } from "./dom.js";
import { link, mrkdwn, plain, text } from "./mrkdwn.js";

/**
 * Blocks -> elements. `press(element, block, chosen)` is called when a person uses an interactive element.
 */
export const blocks = (list, press) => list.map((block) => one(block, press));

function one(block, press) {
  switch (block.type) {
    case "header":
      return h("h3", { class: "b-header" }, plain(block.text));
    case "divider":
      return h("hr", {});
    case "section":
      return section(block, press);
    case "context":
      return h("div", { class: "b-context" }, block.elements.map((e) => (e.type === "image" ? picture(e) : h("span", {}, text(e)))));
    case "actions":
      return h("div", { class: "b-actions" }, block.elements.map((e) => element(e, block, press)));
    case "image":
      return h("figure", {}, block.title && h("figcaption", {}, plain(block.title)), picture(block));
    case "rich_text":
      return h("div", {}, block.elements.map(rich));
    case "markdown":
      return h("div", {}, mrkdwn(block.text.replaceAll("**", "*")));
    default:
      return h("p", { class: "small" }, `(a block of type ${block.type}, which this page does not draw)`);
  }
}

function section(block, press) {
  return h(
    "div",
    { class: "b-section" },
    h(
      "div",
      {},
      block.text && h("p", {}, text(block.text)),
      block.fields && h("div", { class: "b-fields" }, block.fields.map((field) => h("p", {}, text(field)))),
    ),
    block.accessory && element(block.accessory, block, press),
  );
}

// Nothing is fetched from outside: a picture from elsewhere is a link with its description.
function picture(element) {
  return link(element.image_url ?? "", `🖼 ${element.alt_text}`);
}

/** One interactive element. */
export function element(e, block, press) {
  if (e.type === "image") return picture(e);
  if (e.type === "button") return button(e, block, press);
  const options = e.options ?? (e.option_groups ?? []).flatMap((group) => group.options);
  if (["static_select", "overflow", "radio_buttons"].includes(e.type)) {
    const initial = e.initial_option?.value ?? "";
    const select = h(
      "select",
      { "aria-label": e.placeholder?.text ?? "More", onchange: () => press(e, block, select.value) },
      !initial && h("option", { value: "" }, e.placeholder?.text ?? "…"),
      options.map((o) => h("option", { value: o.value, selected: o.value === initial }, plain(o.text))),
    );
    return select;
  }
  return h("span", { class: "small" }, `(${e.type})`);
}

function button(e, block, press) {
  const made = h(
    "button",
    {
      type: "button",
      class: `b-button ${e.style ?? ""}`,
      "data-action": e.action_id,
      "aria-label": e.accessibility_label,
      onclick: () => press(e, block, e.value ?? null, made),
    },
    plain(e.text),
  );
  return made;
}

function rich(part) {
  const inside = part.elements.map(part.type === "rich_text_list" ? (item) => h("li", {}, item.elements.map(span)) : span);
  const tag = { rich_text_preformatted: "pre", rich_text_quote: "blockquote" }[part.type];
  if (part.type === "rich_text_list") return h(part.style === "ordered" ? "ol" : "ul", {}, inside);
  return h(tag ?? "p", {}, inside);
}

function span(e) {
  const words = () => {
    if (e.type === "link") return link(e.url, e.text ?? e.url);
    if (e.type === "user") return h("span", { class: "mention" }, `@${named(e.user_id)}`);
    if (e.type === "emoji") return mrkdwn(`:${e.name}:`);
    if (e.type === "broadcast") return h("span", { class: "mention mine" }, `@${e.range}`);
    return e.text ?? "";
  };
  let made = h("span", {}, words());
  for (const [style, tag] of [["bold", "strong"], ["italic", "em"], ["strike", "s"], ["code", "code"]]) {
    if (e.style?.[style]) made = h(tag, {}, made);
  }
  return made;
}
