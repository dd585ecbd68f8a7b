// The shop beside Slack: which version each server serves, to how many people, and what failed.

import { $, act, h, page } from "./dom.js";
import { ago } from "./mrkdwn.js";

const SECONDS = 60;
const HUES = ["#4a6d8c", "#7257a8", "#1f7a80", "#27803f", "#a8501f", "#b03a72"];
const past = new Map();
const hues = new Map();

const hue = (version) => hues.get(version) ?? hues.set(version, HUES[hues.size % HUES.length]).get(version);

/** Keep one second of a server's traffic: answers by version, and how many failed. */
function remember(server) {
  const { requests = 0, failed = 0, versions = { [server.version]: requests } } = server.traffic ?? {};
  const kept = past.get(server.name) ?? { bars: [], last: { failed, versions } };
  const by = {};
  for (const [version, count] of Object.entries(versions)) by[version] = Math.max(0, count - (kept.last.versions[version] ?? 0));
  kept.bars = [...kept.bars, { by, failed: Math.max(0, failed - kept.last.failed) }].slice(-SECONDS);
  kept.last = { failed, versions };
  past.set(server.name, kept);
  return kept.bars;
}

/** Draw every server; called once a second. */
export function drawShop() {
  const { servers, annotations } = page.world;
  for (const version of [...(page.info.versions ?? [])].sort()) hue(version);
  $("servers").replaceChildren(...servers.map(server));
  $("annotations").hidden = !annotations.length;
  $("annotations").querySelector("ul").replaceChildren(
    ...annotations.slice(-5).reverse().map((note) => h("li", {}, note.text ?? "", note.time && h("span", { class: "small" }, ` ${ago(new Date(note.time))}`))),
  );
}

function server(s) {
  const bars = remember(s);
  const { requests = 0, failed = 0, rps = 0, last_failure } = s.traffic ?? {};
  const away = s.reach && s.reach !== "up" ? s.reach : "";
  const canary = s.weights?.canary ?? 0;
  return h(
    "section",
    { class: "server", "aria-label": `${s.name}, ${s.environment}` },
    h("header", {}, h("h3", {}, s.name), s.environment !== s.name && h("span", { class: "env" }, s.environment), away && h("span", { class: "away" }, away)),
    h("p", { class: "serves" }, h("span", { class: "version", color: hue(s.version) }, s.version || "nothing"), h("span", { class: "small" }, s.version ? "is served" : "is served yet"), s.url && h("a", { href: s.url, target: "_blank", rel: "noopener" }, "Open the shop")),
    canary > 0 && h("p", { class: "small" }, `${canary} % of the visitors get the canary`),
    chart(s.name, bars),
    h(
      "dl",
      { class: "numbers" },
      h("div", {}, h("dt", {}, "visits/s"), h("dd", {}, rps.toFixed(1))),
      h("div", {}, h("dt", {}, "visits"), h("dd", {}, requests.toLocaleString())),
      h("div", { class: failed ? "bad" : "" }, h("dt", {}, "failed"), h("dd", {}, failed.toLocaleString())),
    ),
    failed > 0 && last_failure && h("p", { class: "small" }, `Last failure: ${last_failure}`),
    h("h4", {}, "Releases on the server"),
    h(
      "ul",
      { class: "releases" },
      (s.releases ?? []).map((r) => h("li", { class: r.current ? "current" : "" }, h("span", { class: "dot", color: hue(r.version), "aria-hidden": true }), h("span", {}, r.version || "?"), h("code", {}, r.id), r.current && h("span", { class: "live" }, "live"))),
    ),
  );
}

const SVG = "http://www.w3.org/2000/svg";

function rect(x, y, height, fill) {
  const made = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x, y, width: 3.2, height, fill })) made.setAttribute(name, value);
  return made;
}

/** The last minute, a bar a second: the colour is the version that was served, red is what failed. */
function chart(name, bars) {
  const made = document.createElementNS(SVG, "svg");
  const total = (bar) => Object.values(bar.by).reduce((sum, count) => sum + count, 0);
  const most = Math.max(10, ...bars.map(total));
  made.setAttribute("viewBox", `0 0 ${SECONDS * 4} 40`);
  made.setAttribute("preserveAspectRatio", "none");
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", `Visits to ${name} in the last minute; ${bars.reduce((sum, bar) => sum + bar.failed, 0)} failed`);
  bars.forEach((bar, index) => {
    const x = (SECONDS - bars.length + index) * 4;
    let top = 40;
    for (const [version, count] of Object.entries(bar.by)) {
      const height = (count / most) * 38;
      if (height) made.append(rect(x, (top -= height), height, hue(version)));
    }
    if (bar.failed) made.append(rect(x, 0, Math.max(3, (bar.failed / most) * 38), "#e01e5a"));
  });
  return made;
}

const FAULTS = [
  ["Kill the bot", { kill: "bot" }],
  ["Slack down for 20 s", { slack: "down", seconds: 20 }],
  ["Everything delivered twice", { deliver: "twice" }],
  ["Delivered once again", { deliver: "once" }],
];

/** The buttons that break things. */
export function drawFaults() {
  const all = [...FAULTS, ...(page.info.faults ?? []).map(({ label, spec }) => [label, spec])];
  const said = $("fault-said");
  $("faults").replaceChildren(
    ...all.map(([label, spec]) =>
      h("button", { type: "button", class: "b-button", onclick: () => act("fault", spec).then(() => (said.textContent = `Done: ${label}.`), (wrong) => (said.textContent = wrong.message)) }, label),
    ),
  );
}
