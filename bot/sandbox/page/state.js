// What the page knows: who is here, what Slack holds, how the servers are; and the questions that are asked of it.

const remembered = (name) => JSON.parse(sessionStorage.getItem(name) ?? "null");

export const page = {
  info: null,
  me: new URLSearchParams(location.search).get("as") ?? sessionStorage.getItem("me") ?? "dev",
  room: "channel",
  /** The open thread: {channel, ts}, or null. */
  thread: null,
  slack: { channels: {}, ephemerals: {}, views: [], connections: 0 },
  world: { servers: [], annotations: [], minutes: {} },
  dismissed: new Set(remembered("dismissed") ?? []),
};

export function dismiss(ts) {
  page.dismissed.add(ts);
  sessionStorage.setItem("dismissed", JSON.stringify([...page.dismissed]));
}

const COLOURS = ["#2f7d5b", "#a3476d", "#3a6ea5", "#8a6116", "#6a4fa3", "#4c6b2f"];

export const people = () => page.info.people;
export const person = (name) => people().find((one) => one.name === name);
export const myself = () => person(page.me);
export const isBot = (id) => id === page.info.bot.id;

/** The name under which somebody speaks. */
export function named(id) {
  if (isBot(id)) return page.info.bot.display;
  if (id === "USLACKBOT") return "Slackbot";
  return page.info.names[id] ?? id;
}

/** The colour behind somebody's initial. */
export const tinted = (id) => COLOURS[people().findIndex((one) => one.id === id) % COLOURS.length] ?? "#5c5c66";

export const channel = () => page.info.channel.id;
export const direct = (who) => `D${who.id.slice(1)}`;
export const here = () => (page.room === "channel" ? channel() : direct(myself()));

/** A conversation's messages and what only I see in it, oldest first. */
export function conversation(id) {
  const name = id === channel() ? page.info.channel.name : `@${people().find((one) => direct(one) === id)?.name}`;
  const whispers = (page.slack.ephemerals[page.me] ?? []).filter((m) => m.channel === id && !page.dismissed.has(m.ts));
  return [...(page.slack.channels[name] ?? []), ...whispers].sort((a, b) => Number(a.ts) - Number(b.ts));
}

export const isReply = (m) => Boolean(m.thread_ts) && m.thread_ts !== m.ts;
export const whispers = (name) => page.slack.ephemerals[name] ?? [];
export const home = () => page.slack.views.find((view) => view.type === "home" && view.user === page.me);
export const modals = () => page.slack.views.filter((view) => view.type === "modal" && view.user === page.me);

/** The server that users are on, and those beside it. */
export const servers = () =>
  [...page.world.servers].sort((a, b) => (b.environment === "production") - (a.environment === "production"));
