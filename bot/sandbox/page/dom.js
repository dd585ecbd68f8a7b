// Makes elements without ever parsing a string as HTML, so that nobody's words can become part of the page.

/** An element; `on…` properties are listeners, the rest attributes; null and false are left out. */
export function h(tag, props, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "color") made.style.setProperty("--color", value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const $ = (id) => document.getElementById(id);

/** POST to the sandbox as a person does; throws an Error with the sandbox's sentence. */
export async function act(name, body) {
  const answer = await fetch(`/sandbox/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

/** What everybody on the page knows; filled by app.js. */
export const page = {
  info: null,
  me: sessionStorage.getItem("me") ?? "dev",
  slack: { channels: { deploys: [] }, ephemerals: {}, views: [], connections: 0 },
  world: { servers: [], annotations: [] },
  thread: "",
  dismissed: new Set(),
};

export const myself = () => page.info.people.find((person) => person.name === page.me);

export function named(id) {
  if (id === page.info.bot.id) return page.info.bot.display;
  if (id === "USLACKBOT") return "Slackbot";
  return page.info.people.find((person) => person.id === id)?.display ?? id;
}

/** Say something to people who listen instead of looking. */
export function announce(text) {
  $("said").textContent = text;
}

export const clock = (ts) =>
  new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
