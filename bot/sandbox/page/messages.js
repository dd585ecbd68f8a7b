// The channel and the thread: draws only what changed, keeps the place of the reader and the focus of the keyboard.

import { $, act, announce, clock, h, named, page } from "./dom.js";
import { blocks } from "./blocks.js";
import { ask, complain } from "./dialogs.js";
import { ago, mrkdwn } from "./mrkdwn.js";

const COLORS = { U0DEV: "#2f7d5b", U0LEAD: "#a3476d", U0DEVOPS: "#3a6ea5", U0CTO: "#8a6116", U0CHOM: "#1f3b57", USLACKBOT: "#5c5c66" };
const drawn = { messages: new Map(), "thread-messages": new Map() };
const spoken = new Map();
const atEnd = new Map();

const mine = () => (page.slack.ephemerals[page.me] ?? []).filter((m) => !page.dismissed.has(m.ts));
const isReply = (m) => m.thread_ts && m.thread_ts !== m.ts;
const byTime = (a, b) => Number(a.ts) - Number(b.ts);

/** Draw the channel and, where one is open, the thread. */
export function drawMessages() {
  const all = page.slack.channels.deploys;
  const inChannel = [...all.filter((m) => !isReply(m) || m.subtype === "thread_broadcast"), ...mine().filter((m) => !isReply(m))];
  draw("messages", inChannel.sort(byTime), true);
  const parent = all.find((m) => m.ts === page.thread);
  $("thread").hidden = !parent;
  document.body.classList.toggle("with-thread", Boolean(parent));
  if (parent) draw("thread-messages", [parent, ...[...all, ...mine()].filter((m) => isReply(m) && m.thread_ts === parent.ts).sort(byTime)], false);
  speak([...all, ...mine()]);
}

function draw(where, list, channel) {
  const box = $(where);
  const known = drawn[where];
  const kept = new Map();
  const focused = box.contains(document.activeElement) ? { ts: document.activeElement.closest("article")?.dataset.ts, action: document.activeElement.dataset.action } : null;
  let before = null;
  for (const message of list) {
    const key = JSON.stringify([message, page.me, joins(before, message), channel]);
    const old = known.get(message.ts);
    kept.set(message.ts, old?.key === key ? old : { key, node: article(message, joins(before, message), channel) });
    before = message;
  }
  const nodes = list.map((message) => kept.get(message.ts).node);
  if (!nodes.length || nodes.length !== box.children.length || nodes.some((node, index) => box.children[index] !== node)) {
    box.replaceChildren(...(nodes.length ? nodes : [h("p", { class: "empty" }, "Nothing was said in #deploys yet.")]));
  }
  drawn[where] = kept;
  if (focused?.ts) kept.get(focused.ts)?.node.querySelector(focused.action ? `[data-action="${CSS.escape(focused.action)}"]` : "button")?.focus();
  if (atEnd.get(box)) box.scrollTop = box.scrollHeight;
}

/** Who reads the newest message goes on reading the newest; who has scrolled up is left alone. */
export function keepPlace(box) {
  atEnd.set(box, true);
  box.addEventListener("scroll", () => atEnd.set(box, box.scrollHeight - box.scrollTop - box.clientHeight < 80));
  new ResizeObserver(() => atEnd.get(box) && (box.scrollTop = box.scrollHeight)).observe(box);
}

/** Whether a message stands under its author's name of before. */
function joins(before, m) {
  return Boolean(before && before.user === m.user && before.is_ephemeral === m.is_ephemeral && m.ts - before.ts < 300 && !m.blocks && !before.blocks);
}

function article(m, joined, channel) {
  const name = named(m.user);
  const when = new Date(m.ts * 1000);
  return h(
    "article",
    { class: `message${joined ? " joined" : ""}${m.is_ephemeral ? " whisper" : ""}`, "data-ts": m.ts, id: channel ? `m-${m.ts}` : null, "aria-label": `${name} at ${clock(m.ts)}` },
    m.is_ephemeral && h("p", { class: "only-you" }, h("span", { "aria-hidden": true }, "◉ "), "Only visible to you"),
    h("span", { class: "avatar", color: COLORS[m.user], "aria-hidden": true }, m.user === page.info.bot.id ? "ch" : name[0]),
    h(
      "div",
      { class: "said" },
      h("p", { class: "who" }, h("strong", {}, name), m.bot_id && h("span", { class: "app" }, "App"), h("time", { datetime: when.toISOString(), title: when.toLocaleString() }, clock(m.ts))),
      m.subtype === "thread_broadcast" && channel && h("p", { class: "small" }, "replied to a thread:"),
      m.blocks ? blocks(m.blocks, (e, block, value, button) => press(m, e, value, button)) : h("p", { class: "words" }, mrkdwn(m.text)),
      (m.files ?? []).map((file) => h("a", { class: "file", href: new URL(file.url_private).pathname, target: "_blank" }, `📄 ${file.title}`, h("span", { class: "small" }, ` ${file.size} bytes`))),
      (m.reactions ?? []).map((r) => h("span", { class: "reaction" }, mrkdwn(`:${r.name}:`), ` ${r.count}`)),
      channel && m.reply_count && h("button", { type: "button", class: "replies", onclick: () => openThread(m.ts) }, h("strong", {}, `${m.reply_count} ${m.reply_count === 1 ? "reply" : "replies"}`), ` Last reply ${ago(new Date(m.latest_reply * 1000))}`),
      m.is_ephemeral && h("button", { type: "button", class: "plain dismiss", onclick: () => dismiss(m.ts) }, "Dismiss message"),
    ),
    channel && !m.is_ephemeral && !m.reply_count && h("button", { type: "button", class: "plain reply", "aria-label": `Reply in thread to ${name}`, onclick: () => openThread(m.ts) }, "Reply in thread"),
  );
}

async function press(m, e, value, button) {
  if (e.confirm && !(await ask(e.confirm))) return;
  if (e.url) window.open(e.url, "_blank", "noopener");
  button?.setAttribute("aria-busy", "true");
  try {
    await act("click", { user: page.me, channel: "deploys", ts: m.ts, action_id: e.action_id, value });
  } catch (wrong) {
    complain(wrong.message);
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

export function openThread(ts) {
  page.thread = ts;
  drawMessages();
  $("thread-messages").scrollTop = $("thread-messages").scrollHeight;
  $("thread").querySelector("textarea")?.focus();
}

export function closeThread() {
  const ts = page.thread;
  page.thread = "";
  drawMessages();
  $(`m-${ts}`)?.querySelector("button.replies, button.reply")?.focus();
}

function dismiss(ts) {
  page.dismissed.add(ts);
  drawMessages();
  $("messages").focus();
}

/** Read the text of what is new or changed to people who listen. */
function speak(list) {
  const first = spoken.size === 0;
  const news = list.filter((m) => spoken.get(m.ts) !== m.text);
  for (const m of news) spoken.set(m.ts, m.text);
  const last = news.at(-1);
  if (last && !first && last.user !== page.info.people.find((p) => p.name === page.me).id) announce(`${named(last.user)}: ${last.text}`);
}

/** Bring the message of a permalink (…/archives/C0DEPLOYS/p1700000000000001) into view. */
export function showLinked() {
  const digits = /p(\d{10})(\d{6})$/.exec(location.hash);
  const ts = digits && `${digits[1]}.${digits[2]}`;
  const message = page.slack.channels.deploys.find((m) => m.ts === ts);
  if (!message) return;
  if (isReply(message)) openThread(message.thread_ts);
  const node = $(`m-${isReply(message) ? message.thread_ts : ts}`);
  node?.scrollIntoView({ block: "center" });
  node?.classList.add("pointed");
  setTimeout(() => node?.classList.remove("pointed"), 2500);
}
