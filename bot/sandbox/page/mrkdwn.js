// Slack's mrkdwn as elements: bold, code, quotes, links, mentions, dates in the reader's zone, emoji.

import { h, myself, named, page } from "./dom.js";

const EMOJI = {
  arrow_right: "➡️", bell: "🔔", black_circle: "⚫", bust_in_silhouette: "👤", construction: "🚧", eyes: "👀",
  fast_forward: "⏩", heavy_check_mark: "✔️", hourglass: "⌛", hourglass_flowing_sand: "⏳", information_source: "ℹ️",
  large_blue_circle: "🔵", large_green_circle: "🟢", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  leftwards_arrow_with_hook: "↩️", lock: "🔒", mag: "🔍", no_entry: "⛔", octagonal_sign: "🛑", package: "📦",
  point_right: "👉", question: "❓", raised_hand: "✋", red_circle: "🔴", rewind: "⏪", rocket: "🚀",
  rotating_light: "🚨", stopwatch: "⏱️", tada: "🎉", thumbsup: "👍", unlock: "🔓", warning: "⚠️",
  white_check_mark: "✅", white_circle: "⚪", wrench: "🔧", x: "❌", zzz: "💤",
};

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
  return text.split(/```\n?([\s\S]*?)```/).flatMap((part, index) => (index % 2 ? [h("pre", {}, unescape(part.replace(/\n$/, "")))] : quotes(part)));
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
  if (target.startsWith("#")) return h("span", { class: "mention" }, `#${label || page.info.channel.name}`);
  if (target.startsWith("!subteam^")) return mention(`@${page.info.groups[target.slice(9)] ?? label}`, false);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`, true);
  return link(unescape(target), unescape(label || target));
}

const mention = (name, mine) => h("span", { class: mine ? "mention mine" : "mention" }, name);

export function link(address, label) {
  if (!/^(https?:|mailto:)/.test(address)) return label;
  const here = address.startsWith(`${location.origin}/archives/`);
  return h("a", here ? { href: address } : { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}

const DATES = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
};

function date(target, fallback) {
  const [, seconds, format, address] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return unescape(fallback);
  const shown = unescape(format).replace(/\{(\w+)\}/g, (whole, name) => {
    if (name === "time") return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    if (name === "time_secs") return at.toLocaleTimeString();
    if (name === "ago") return ago(at);
    const near = name.endsWith("_pretty") && pretty(at);
    return near || (DATES[name.replace("_pretty", "")] ? at.toLocaleDateString([], DATES[name.replace("_pretty", "")]) : whole);
  });
  const time = h("time", { datetime: at.toISOString(), title: at.toLocaleString() }, shown);
  return address ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, time) : time;
}

function pretty(at) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
  return { 0: "today", 1: "yesterday", [-1]: "tomorrow" }[days];
}

/** "3 minutes ago" */
export function ago(at) {
  const seconds = Math.round((Date.now() - at) / 1000);
  if (Math.abs(seconds) < 45) return "just now";
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (Math.abs(seconds) < 3300) return words.format(-Math.round(seconds / 60), "minute");
  if (Math.abs(seconds) < 79_200) return words.format(-Math.round(seconds / 3600), "hour");
  return words.format(-Math.round(seconds / 86_400), "day");
}
