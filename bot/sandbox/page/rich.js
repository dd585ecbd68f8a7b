// Rich text and tables as elements.

import { h } from "./dom.js";
import { link, mrkdwn } from "./mrkdwn.js";
import { named } from "./state.js";

/** One part of a rich_text block. */
export function rich(part) {
  switch (part.type) {
    case "rich_text_list":
      return h(
        part.style === "ordered" ? "ol" : "ul",
        { start: part.offset ? part.offset + 1 : null, class: `indent-${part.indent ?? 0}` },
        part.elements.map((item) => h("li", {}, item.elements.map(span))),
      );
    case "rich_text_preformatted":
      return h("pre", {}, part.elements.map(span));
    case "rich_text_quote":
      return h("blockquote", {}, part.elements.map(span));
    default:
      return h("p", { class: "words" }, part.elements.map(span));
  }
}

function words(e) {
  switch (e.type) {
    case "link":
      return link(e.url, e.text ?? e.url);
    case "user":
      return mrkdwn(`<@${e.user_id}>`);
    case "usergroup":
      return mrkdwn(`<!subteam^${e.usergroup_id}>`);
    case "channel":
      return mrkdwn(`<#${e.channel_id}>`);
    case "emoji":
      return mrkdwn(`:${e.name}:`);
    case "broadcast":
      return mrkdwn(`<!${e.range}>`);
    case "date":
      return mrkdwn(`<!date^${e.timestamp}^${e.format}|${e.fallback ?? ""}>`);
    default:
      return e.text ?? named(e.user_id ?? "");
  }
}

function span(e) {
  let made = h("span", {}, words(e));
  for (const [style, tag] of [
    ["bold", "strong"],
    ["italic", "em"],
    ["strike", "s"],
    ["code", "code"],
  ]) {
    if (e.style?.[style]) made = h(tag, {}, made);
  }
  return made;
}

/** A table block; its first row is its head. */
export function table(block) {
  const cell = (tag, one, column) =>
    h(
      tag,
      { class: `to-${block.column_settings?.[column]?.align ?? "left"}`, scope: tag === "th" ? "col" : null },
      one.type === "rich_text" ? one.elements.map(rich) : (one.text ?? ""),
    );
  const [head, ...rows] = block.rows;
  return h(
    "div",
    { class: "b-table", tabindex: "0", role: "region", "aria-label": "Table" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((one, column) => cell("th", one, column)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            row.map((one, column) => cell("td", one, column)),
          ),
        ),
      ),
    ),
  );
}
