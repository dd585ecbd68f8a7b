// Slack's mrkdwn as elements: bold, code, quotes, links, mentions, dates in the reader's zone, emoji.

import { dated } from "./dates.js";
import { h, inside } from "./dom.js";
import { EMOJI } from "./emoji.js";
import { myself, named, page } from "./state.js";

const TOKEN = new RegExp(
  [
    "`([^`\\n]+)`",
    "<([^<>\\n]+)>",
    "(?<![\\w*])\\*(?=[^\\s*])([^*\\n]*?[^\\s*])\\*(?![\\w*])",
    "(?<![\\w_])_(?=[^\\s_])([^\\n]*?[^\\s_])_(?![\\w_])",
    "(?<![\\w~])~(?=[^\\s~])([^~\\n]*?[^\\s~])~(?![\\w~])",
    ":([a-z0-9_+-]+):",
  ].join("|"),
  "g",
);

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** mrkdwn -> nodes. */
export function mrkdwn(text) {
  return text
    .split(/\n?```\n?([\s\S]*?)```\n?/)
    .flatMap((part, index) => (index % 2 ? [h("pre", {}, unescape(part.replace(/\n$/, "")))] : quotes(part)));
}

/** plain_text -> nodes; emoji only where the app asked for them. */
export function plain(object) {
  return object.emoji === false ? [object.text] : emojis(object.text);
}

/** A text object of either kind. */
export const text = (object) => (object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object));

function quotes(part) {
  const nodes = [];
  let quote = null;
  for (const [index, line] of part.split("\n").entries()) {
    const quoted = /^(?:>|&gt;) ?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) nodes.push((quote = h("blockquote", {})));
      else quote.append(h("br"));
      quote.append(...inline(quoted[1]));
      continue;
    }
    if (index && !quote) nodes.push(h("br"));
    quote = null;
    nodes.push(...inline(line));
  }
  return nodes;
}

function inline(line) {
  const nodes = [];
  let last = 0;
  for (const match of line.matchAll(TOKEN)) {
    const [whole, code, token, bold, italic, struck, emoji] = match;
    if (emoji !== undefined && !EMOJI[emoji]) continue;
    nodes.push(unescape(line.slice(last, match.index)));
    last = match.index + whole.length;
    if (code !== undefined) nodes.push(h("code", {}, unescape(code)));
    else if (token !== undefined) nodes.push(bracketed(token));
    else if (bold !== undefined) nodes.push(h("strong", {}, inline(bold)));
    else if (italic !== undefined) nodes.push(h("em", {}, inline(italic)));
    else if (struck !== undefined) nodes.push(h("s", {}, inline(struck)));
    else nodes.push(EMOJI[emoji]);
  }
  nodes.push(unescape(line.slice(last)));
  return nodes.filter((node) => node !== "");
}

function emojis(text) {
  return [text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole)];
}

/** What stands between < and >. */
function bracketed(token) {
  const [target, label] = [token.split("|")[0], token.split("|").slice(1).join("|")];
  if (target.startsWith("@")) return mention(`@${named(target.slice(1))}`, target.slice(1) === myself().id);
  if (target.startsWith("#"))
    return h("a", { class: "mention", href: `/#${target.slice(1)}` }, `#${label || page.info.channel.name}`);
  if (target.startsWith("!subteam^")) return mention(`@${page.info.groups[target.slice(9)] ?? label}`, false);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`, true);
  return link(unescape(target), unescape(label || target));
}

const mention = (name, mine) => h("span", { class: mine ? "mention mine" : "mention" }, name);

export function link(address, label) {
  if (!/^(https?:|mailto:)/.test(address)) return label;
  return h(
    "a",
    inside(address) ? { href: address } : { href: address, target: "_blank", rel: "noopener noreferrer" },
    label,
  );
}

function date(target, fallback) {
  const [, seconds, format, address] = target.split("^");
  const moment = new Date(Number(seconds) * 1000);
  if (Number.isNaN(moment.getTime())) return unescape(fallback);
  const shown = dated(moment, unescape(format));
  const time = h("time", { datetime: moment.toISOString(), title: moment.toLocaleString() }, shown);
  return address ? link(address, time) : time;
}
