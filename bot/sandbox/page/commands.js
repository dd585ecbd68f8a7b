// What can be typed after a slash: the app's commands as its manifest has them, with the versions that there are.

import { page } from "./state.js";

const VERSION = /\bv\d[\w.]*/;
const MOST = 9;

/** The versions to offer, the proposed one first, then the newest. */
function known() {
  const { first, versions = [] } = page.info;
  return [...new Set([first, ...versions.toReversed()])].filter(Boolean);
}

/** A hint as lines to type: its version stands for the first of those at hand until one comes to type it. */
function filled(line, typed) {
  const at = line.search(VERSION);
  const all = known();
  if (at < 0 || !all.length) return [line];
  return (typed.length < at ? all.slice(0, 1) : all).map((version) => line.replace(VERSION, version));
}

/** What may be meant by what stands in the box: [{line, note}], the commands themselves first. */
export function offers(typed) {
  if (!typed.startsWith("/")) return [];
  const wanted = typed.toLowerCase();
  const found = page.info.commands.flatMap(({ command, description, usage_hint: usage }) => {
    const hints = (usage ?? "")
      .split("|")
      .map((hint) => hint.trim())
      .filter(Boolean);
    const lines = hints.flatMap((hint) => filled(`${command} ${hint}`, typed));
    return [{ line: command, note: description ?? "" }, ...[...new Set(lines)].map((line) => ({ line, note: "" }))];
  });
  return found.filter(({ line }) => line.toLowerCase().startsWith(wanted) && line !== typed.trimEnd()).slice(0, MOST);
}

/** Why Slack does not send this, or "". */
export function refusal(text, inThread) {
  if (!text.startsWith("/")) return "";
  const name = text.split(/\s/)[0];
  const known = page.info.commands.map(({ command }) => command);
  if (!known.includes(name)) return `${name} is not a command here. There is ${known.join(", ")}.`;
  return inThread ? "Slack takes no commands in a thread. Type it in the channel." : "";
}
