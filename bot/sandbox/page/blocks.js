// Block Kit's blocks as elements: every block that a message, a modal or a Home may hold.

import { h } from "./dom.js";
import { element, picture } from "./elements.js";
import { link, mrkdwn, plain, text } from "./mrkdwn.js";
import { rich, table } from "./rich.js";

/** The parts of a list of blocks, for `keyed`. `place` is what `element` wants, and error(block) for inputs. */
export const parts = (list, place) =>
  list.map((block) => [JSON.stringify([block, place.error?.(block)]), () => one(block, place)]);

function one(block, place) {
  switch (block.type) {
    case "header":
      return h("h3", { class: "b-header" }, plain(block.text));
    case "divider":
      return h("hr", {});
    case "section":
      return section(block, place);
    case "context":
      return h(
        "div",
        { class: "b-context" },
        block.elements.map((e) => (e.type === "image" ? picture(e) : h("span", {}, text(e)))),
      );
    case "actions":
      return h(
        "div",
        { class: "b-actions" },
        block.elements.map((e) => element(e, block, place)),
      );
    case "input":
      return input(block, place);
    case "image":
      return h("figure", {}, block.title && h("figcaption", {}, plain(block.title)), picture(block));
    case "video":
      return h(
        "figure",
        {},
        link(block.title_url ?? block.video_url, `Video: ${block.title.text}`),
        block.description && h("figcaption", {}, plain(block.description)),
      );
    case "rich_text":
      return h("div", {}, block.elements.map(rich));
    case "markdown":
      return h("div", { class: "words" }, mrkdwn(block.text.replaceAll("**", "*").replace(/^#+ (.*)$/gm, "*$1*")));
    case "table":
      return table(block);
    case "alert":
      return h("div", { class: `b-alert ${block.level ?? "default"}`, role: "note" }, text(block.text));
    default:
      return h("p", { class: "small" }, `A block of type ${block.type}, which this page does not draw.`);
  }
}

function section(block, place) {
  return h(
    "div",
    { class: "b-section" },
    h(
      "div",
      {},
      block.text && h("p", { class: "words" }, text(block.text)),
      block.fields &&
        h(
          "div",
          { class: "b-fields" },
          block.fields.map((field) => h("p", { class: "words" }, text(field))),
        ),
    ),
    block.accessory && element(block.accessory, block, place),
  );
}

const GROUPS = ["radio_buttons", "checkboxes"];

/** A labelled field with its hint, and with the fault that the app or Slack found in it. */
function input(block, place) {
  const id = `in-${block.block_id}`;
  const error = place.error?.(block);
  const group = GROUPS.includes(block.element.type);
  const note = error ?? (block.hint ? plain(block.hint) : "");
  const props = {
    id,
    "aria-invalid": error && !group ? "true" : null,
    "aria-describedby": note ? `${id}-note` : null,
    "aria-required": block.optional || block.element.type === "checkboxes" ? null : "true",
    "aria-labelledby": group ? `${id}-label` : null,
  };
  const quiet = block.dispatch_action ? place : { ...place, press: () => {} };
  return h(
    "div",
    { class: error ? "input faulty" : "input" },
    h(
      group ? "p" : "label",
      { for: group ? null : id, id: `${id}-label`, class: "input-label" },
      plain(block.label),
      block.optional && h("span", { class: "small" }, " (optional)"),
    ),
    element(block.element, block, quiet, props),
    note && h("p", { id: `${id}-note`, class: error ? "wrong" : "small" }, note),
  );
}
