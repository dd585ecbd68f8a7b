// The channel, the thread beside it and the direct messages: what stands in each, and where the reader is in it.

import { $, announce } from "./dom.js";
import { drawList } from "./messages.js";
import { channel, conversation, here, isReply, myself, named, page } from "./state.js";

const NEAR = 80;
/** Pixels from the end within which a reader counts as reading the newest. */
const LONGEST = 60;
const atEnd = new Map();
const CALM = 4000;
/** Milliseconds: a card that counts its steps is not read out more often. */
const spoken = new Map();
let said = "";
let timer = 0;

/** Draw the conversation that is open and, where one is, its thread. */
export function drawConversations() {
  const id = here();
  const all = conversation(id);
  const list = all.filter((m) => !isReply(m) || m.subtype === "thread_broadcast");
  const open = (m) => openThread(id, isReply(m) ? m.thread_ts : m.ts);
  const about = (m) => titled(all.find((one) => one.ts === m.thread_ts));
  const where = { channel: id, open, about };
  const quiet = `Here stands what ${page.info.bot.display} writes to you alone, and what you write to it.`;
  const first = "Nothing was said in #deploys yet. The first line is yours.";
  if (page.room === "channel") draw("messages", list, { ...where, empty: first });
  if (page.room === "direct") draw("direct", list, { ...where, empty: quiet });
  drawThread();
  speak(conversation(channel()));
}

const titled = (m) => m?.blocks?.find((block) => block.type === "header")?.text.text ?? m?.text?.slice(0, LONGEST);

function drawThread() {
  const { thread } = page;
  const all = thread ? conversation(thread.channel) : [];
  const parent = all.find((m) => m.ts === thread?.ts);
  const closed = $("thread").hidden;
  $("thread").hidden = !parent;
  document.body.classList.toggle("with-thread", Boolean(parent));
  if (!parent) return;
  const replies = all.filter((m) => isReply(m) && m.thread_ts === parent.ts);
  if (closed) atEnd.set($("thread-messages"), true);
  draw("thread-messages", [parent, ...replies], { channel: thread.channel, thread: true });
}

function draw(id, list, where) {
  const box = $(id);
  drawList(box, list, { ...where, redraw: drawConversations });
  if (atEnd.get(box)) box.scrollTop = box.scrollHeight;
}

/** Who reads the newest message goes on reading the newest; who has scrolled up is left alone. Arrows go by message. */
export function keepPlace(box) {
  let before = 0;
  atEnd.set(box, true);
  box.addEventListener("scroll", () => {
    const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    if (near || box.scrollTop < before) atEnd.set(box, near);
    before = box.scrollTop;
  });
  box.addEventListener("keydown", (event) => step(box, event));
  new ResizeObserver(() => atEnd.get(box) && (box.scrollTop = box.scrollHeight)).observe(box);
}

function step(box, event) {
  const on = event.target;
  if (on !== box && !on.matches("article")) return;
  const all = [...box.querySelectorAll("article")];
  if (event.key === "Enter" && on !== box) {
    (on.querySelector(".replies") ?? on.querySelector(".reply"))?.click();
    return;
  }
  const index = all.indexOf(on);
  const to = {
    ArrowUp: index < 0 ? all.length - 1 : index - 1,
    ArrowDown: index < 0 ? all.length : index + 1,
    Home: 0,
    End: all.length - 1,
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  all[to]?.focus();
}

function openThread(id, ts) {
  page.thread = { channel: id, ts };
  drawConversations();
  $("thread-messages").scrollTop = $("thread-messages").scrollHeight;
  $("thread-text").focus();
}

export function closeThread() {
  const ts = page.thread?.ts;
  page.thread = null;
  drawConversations();
  const node = document.querySelector(`main [data-ts="${ts}"]`);
  (node?.querySelector(".replies, .reply") ?? node)?.focus();
}

/** Read what is new to people who listen, and, every few seconds, what became of it since. */
function speak(list) {
  const first = spoken.size === 0;
  const news = list.filter((m) => spoken.get(m.ts) !== m.text);
  const fresh = news.some((m) => !spoken.has(m.ts));
  for (const m of news) spoken.set(m.ts, m.text);
  const last = news.at(-1);
  if (!last || first || last.user === myself().id) return;
  said = `${named(last.user)}: ${last.text}`;
  if (fresh) tell();
  else timer ||= setTimeout(tell, CALM);
}

function tell() {
  clearTimeout(timer);
  timer = 0;
  announce(said);
}

/** Bring the message of a permalink (#C0DEPLOYS/p1700000000000001) into view. */
export function showLinked() {
  const digits = /p(\d{10})(\d{6})$/.exec(location.hash);
  const message = digits && conversation(channel()).find((m) => m.ts === `${digits[1]}.${digits[2]}`);
  if (!message) return;
  if (isReply(message)) openThread(channel(), message.thread_ts);
  for (const node of document.querySelectorAll(`[data-ts="${message.ts}"]`)) {
    atEnd.set(node.closest(".messages"), false);
    node.scrollIntoView({ block: "center" });
    node.classList.add("pointed");
    if (!isReply(message)) node.focus({ preventScroll: true });
    setTimeout(() => node.classList.remove("pointed"), 2500);
  }
}
