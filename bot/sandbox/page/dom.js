// Makes and keeps elements, without ever parsing a string as HTML, so that nobody's words can become part of the page.

/** An element; `on…` properties are listeners, the rest attributes; null and false are left out. */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);

/** The same for SVG. */
export const svg = (tag, props, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);

const absent = (value) => value === null || value === undefined || value === false;

function fill(made, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (absent(value)) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "color") made.style.setProperty("--color", value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(9).filter((child) => !absent(child)));
  return made;
}

export const $ = (id) => document.getElementById(id);

const HERE = ["localhost", "127.0.0.1", "[::1]"];

/** Where in this Slack an address leads ("C0DEPLOYS/p1700000000000001"), or "" where it leads out of it. */
export function inside(address) {
  const url = new URL(address, location.href);
  if (url.port !== location.port || !HERE.includes(url.hostname)) return "";
  return /^(?:\/archives\/|\/#)([CD][A-Z0-9]+(?:\/p\d{16})?)$/.exec(url.pathname + url.hash)?.[1] ?? "";
}

/** Go to an address as a click on a link to it does. */
export function follow(address) {
  const link = h("a", { href: address, target: "_blank", rel: "noopener noreferrer", hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
}

const kept = new WeakMap();

/**
 * Make the children of `box` those of `parts`, [key, make] each: a child whose key was there before is left untouched,
 * with what was typed into it and the focus in it. Focus that had to go with a child goes to what holds the box.
 */
export function keyed(box, parts) {
  const before = kept.get(box) ?? new Map();
  const now = new Map();
  for (const [name, make] of parts) {
    let key = name;
    while (now.has(key)) key += "+";
    now.set(key, before.get(key) ?? make());
  }
  kept.set(box, now);
  arrange(box, [...now.values()]);
}

function arrange(box, nodes) {
  const focused = box.contains(document.activeElement) && document.activeElement !== box;
  const wanted = new Set(nodes);
  for (const child of [...box.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (box.childNodes[index] !== node) box.insertBefore(node, box.childNodes[index] ?? null);
  });
  if (focused && !box.contains(document.activeElement)) box.closest("[tabindex]")?.focus({ preventScroll: true });
}

/** POST to the sandbox as a person does; throws an Error with the sandbox's sentence. */
export async function act(name, body) {
  let answer;
  try {
    answer = await fetch(`/sandbox/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The sandbox does not answer. Is it still running?");
  }
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error);
  return said;
}

/** Say something to people who listen instead of looking. */
export function announce(text) {
  $("said").textContent = text;
}
