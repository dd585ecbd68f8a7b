// Messages as they stand in a conversation: who said it, when, what, and what a reader can do with it.

import { parts } from "./blocks.js";
import { pressed } from "./confirm.js";
import { ago, clock, dayOf, iso, sameDay, whole } from "./dates.js";
import { act, h, keyed } from "./dom.js";
import { icon, mark } from "./icons.js";
import { mrkdwn } from "./mrkdwn.js";
import { dismiss, isBot, isReply, named, page, tinted } from "./state.js";

const drawn = new WeakMap();
const JOIN = 300;
/** Seconds within which messages of one author stand under one name. */

/**
 * Draw messages into `box`, each in its own article, which stays the same while its message changes. `where` is
 * {channel, thread: whether this is the pane beside it, open(m): opens a message's thread, about(m): what its thread is
 * about, redraw()}.
 */
export function drawList(box, list, where) {
  const before = drawn.get(box) ?? new Map();
  const now = new Map();
  const rows = [];
  let last = null;
  for (const m of list) {
    if (!where.thread && !(last && sameDay(last.ts, m.ts)))
      rows.push([`day ${dayOf(m.ts)}`, () => h("div", { class: "day" }, h("span", {}, dayOf(m.ts)))]);
    const entry = before.get(m.ts) ?? article(m.ts);
    now.set(m.ts, entry);
    paint(entry, m, joins(last, m), where);
    rows.push([m.ts, () => entry.node]);
    if (where.thread && !last && list.length > 1)
      rows.push(["count", () => h("div", { class: "day left" }, h("span", {}, counted(list.length - 1)))]);
    last = m;
  }
  drawn.set(box, now);
  keyed(
    box,
    rows.length ? rows : [["empty", () => h("p", { class: "empty" }, where.empty ?? "Nothing was said here yet.")]],
  );
}

const counted = (count) => `${count} ${count === 1 ? "reply" : "replies"}`;

/** Whether a message stands under its author's name of before. */
function joins(before, m) {
  if (!before || before.user !== m.user || before.is_ephemeral || m.is_ephemeral) return false;
  return m.ts - before.ts < JOIN && !m.blocks && !before.blocks && sameDay(before.ts, m.ts);
}

function article(ts) {
  const [gutter, said, tools] = [
    h("div", { class: "gutter", "aria-hidden": "true" }),
    h("div", { class: "said" }),
    h("div", { class: "tools" }),
  ];
  return {
    node: h("article", { class: "message", tabindex: "-1", "data-ts": ts }, gutter, said, tools),
    gutter,
    said,
    tools,
  };
}

function paint(entry, m, joined, where) {
  const kind = `message${joined ? " joined" : ""}${m.is_ephemeral ? " whisper" : ""}`;
  if (entry.node.classList.contains("pointed")) entry.node.className = `${kind} pointed`;
  else entry.node.className = kind;
  entry.node.setAttribute("aria-label", `${named(m.user)} at ${clock(m.ts)}`);
  keyed(entry.gutter, [
    [joined ? "time" : m.user, () => (joined ? h("span", { class: "late" }, clock(m.ts)) : avatar(m.user))],
  ]);
  keyed(entry.said, [...head(m, joined, where), ...body(m, where), ...foot(m, where)]);
  const threaded = !where.thread && !m.is_ephemeral && !isReply(m) && where.open;
  keyed(
    entry.tools,
    threaded
      ? [
          [
            "reply",
            () =>
              h(
                "button",
                {
                  type: "button",
                  class: "plain square reply",
                  title: "Reply in thread",
                  "aria-label": `Reply in thread to ${named(m.user)}`,
                  onclick: () => where.open(m),
                },
                icon("reply"),
              ),
          ],
        ]
      : [],
  );
}

/** Somebody's picture. */
export const avatar = (user) =>
  isBot(user)
    ? h("span", { class: "avatar" }, mark())
    : h("span", { class: "avatar", color: tinted(user) }, named(user)[0]);

function head(m, joined, where) {
  const said = [];
  if (m.is_ephemeral) said.push(["whisper", () => h("p", { class: "only-you" }, icon("eye"), "Only visible to you")]);
  if (!joined) {
    const who = () =>
      h(
        "p",
        { class: "who" },
        h("strong", {}, named(m.user)),
        m.bot_id && h("span", { class: "app" }, "App"),
        h("time", { datetime: iso(m.ts), title: whole(m.ts) }, clock(m.ts)),
      );
    said.push(["who", who]);
  }
  if (m.subtype === "thread_broadcast" && !where.thread) {
    const about = where.about(m) ?? "a thread";
    const open = () => h("button", { type: "button", class: "as-link", onclick: () => where.open(m) }, about);
    said.push([`broadcast ${about}`, () => h("p", { class: "small" }, "replied to ", open())]);
  }
  return said;
}

function body(m, where) {
  const place = {
    press: (e, block, value, node) =>
      pressed(e, node, () =>
        act("click", { user: page.me, channel: where.channel, ts: m.ts, action_id: e.action_id, value }),
      ),
    where: { channel: where.channel, ts: m.ts },
  };
  const words = m.blocks
    ? parts(m.blocks, place)
    : m.text
      ? [[`words ${m.text}`, () => h("p", { class: "words" }, mrkdwn(m.text))]]
      : [];
  return [...words, ...(m.files ?? []).map((one) => [`file ${JSON.stringify(one)}`, () => shared(one)])];
}

const shared = (one) => (one.mimetype === "image/png" ? picture(one) : file(one));

function picture(one) {
  const src = new URL(one.url_private).pathname;
  return h(
    "a",
    { class: "picture", href: src, target: "_blank", rel: "noopener" },
    h("span", { class: "small" }, one.title || one.name),
    h("img", { src, alt: one.alt_txt ?? one.name, width: one.thumb_360_w, height: one.thumb_360_h }),
  );
}

const size = (bytes) => (bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(1)} kB`);

function file(one) {
  return h(
    "a",
    { class: "file", href: new URL(one.url_private).pathname, target: "_blank", rel: "noopener" },
    h("span", { class: "file-mark" }, icon("file")),
    h(
      "span",
      {},
      h("strong", {}, one.title || one.name),
      h("span", { class: "small" }, `Text, ${size(one.size)}, opens in a new tab`),
    ),
  );
}

function foot(m, where) {
  const said = [];
  if (m.reactions?.length) {
    const all = () =>
      h(
        "p",
        { class: "reactions" },
        m.reactions.map((r) => h("span", { class: "reaction" }, mrkdwn(`:${r.name}:`), ` ${r.count}`)),
      );
    said.push([`reactions ${JSON.stringify(m.reactions)}`, all]);
  }
  if (!where.thread && m.reply_count && where.open) {
    const last = ago(new Date(m.latest_reply * 1000));
    const faces = (m.reply_users ?? []).slice(0, 4);
    const open = () =>
      h(
        "button",
        { type: "button", class: "replies", onclick: () => where.open(m) },
        h("span", { class: "faces", "aria-hidden": "true" }, faces.map(avatar)),
        h("strong", {}, counted(m.reply_count)),
        h("span", { class: "small" }, `Last reply ${last}`),
      );
    said.push([`replies ${m.reply_count} ${last} ${faces}`, open]);
  }
  if (m.is_ephemeral) {
    const away = () => (dismiss(m.ts), where.redraw());
    said.push([
      "dismiss",
      () =>
        h("p", { class: "small" }, h("button", { type: "button", class: "as-link", onclick: away }, "Dismiss message")),
    ]);
  }
  return said;
}
