// The shop beside Slack: which version each server serves, where its visits went, and the releases that it keeps.

import { ago } from "./dates.js";
import { $, h, svg } from "./dom.js";
import { icon } from "./icons.js";
import { page, servers } from "./state.js";

const SECONDS = 60;
const [WIDTH, HEIGHT] = [4, 48];
const OTHER = "#5c6b7a";

const colour = (version) => page.info.shop?.[version]?.colour ?? OTHER;

/** Draw every server; called once a second. */
export function drawShop() {
  $("servers").replaceChildren(...servers().map(server));
  const { annotations } = page.world;
  $("annotations").hidden = !annotations.length;
  $("annotations")
    .querySelector("ul")
    .replaceChildren(
      ...annotations
        .slice(-5)
        .reverse()
        .map((note) =>
          h("li", {}, note.text ?? "", note.time && h("span", { class: "small" }, ` ${ago(new Date(note.time))}`)),
        ),
    );
}

function server(s) {
  const { requests = 0, failed = 0, rps = 0, last_failure } = s.traffic ?? {};
  const away = s.reach && s.reach !== "up";
  return h(
    "section",
    { class: "server", "aria-label": `${s.name}, ${s.environment}`, "data-server": s.name },
    h(
      "header",
      {},
      h("h3", {}, s.name),
      s.environment !== s.name && h("span", { class: "small" }, s.environment),
      away && h("span", { class: "away" }, `SSH is ${s.reach}`),
      s.url && h("a", { class: "open", href: s.url, target: "_blank", rel: "noopener" }, "Open the shop", icon("out")),
    ),
    front(s),
    beside(s),
    chart(s),
    shares(s),
    h(
      "dl",
      { class: "numbers" },
      number("visits a second", rps.toFixed(1)),
      number("visits", requests.toLocaleString("en")),
      number("failed", failed.toLocaleString("en"), failed > 0),
    ),
    failed > 0 && last_failure && h("p", { class: "small" }, `Last failure: ${last_failure}`),
    h("h4", {}, "Releases on this server"),
    h("ul", { class: "releases" }, (s.releases ?? []).map(release)),
  );
}

/** What a visitor sees. */
function front(s) {
  return h(
    "div",
    { class: "front", color: colour(s.version) },
    h("p", { class: "version" }, s.version || "Nothing"),
    h("p", {}, s.version ? (page.info.shop?.[s.version]?.headline ?? "is live") : "is served yet"),
  );
}

/** What runs beside that for some of the visitors. */
const beside = ({ canary, weights }) =>
  canary &&
  h(
    "p",
    { class: "beside" },
    dot(canary.version),
    h("strong", {}, `${canary.version} is the canary`),
    h("span", {}, weights?.canary ? `for ${weights.canary} % of the visitors` : "and nobody is sent there"),
  );

/** Which share of the last minute's visits each version had, the most first. */
function shares(s) {
  const bars = page.world.minutes?.[s.name] ?? [];
  const sums = (what) => {
    const found = {};
    for (const bar of bars)
      for (const [version, count] of Object.entries(bar[what] ?? {})) found[version] = (found[version] ?? 0) + count;
    return found;
  };
  const [by, failed] = [sums("by"), sums("failed_by")];
  const all = Object.values(by).reduce((sum, count) => sum + count, 0);
  if (!all) return null;
  const rows = Object.entries(by).sort((a, b) => b[1] - a[1]);
  return [
    h("h4", { id: `shares-${s.name}` }, "Where the last minute’s visits went"),
    h(
      "ul",
      { class: "shares", "aria-labelledby": `shares-${s.name}` },
      rows.map(([version, count]) => share(version, count / all, count, failed[version] ?? 0)),
    ),
  ];
}

function share(version, part, count, failed) {
  const percent = part > 0 && part < 0.01 ? "under 1 %" : `${Math.round(part * 100)} %`;
  return h(
    "li",
    { "data-version": version },
    dot(version),
    h("strong", {}, version || "no version"),
    h("span", { class: "percent" }, percent),
    h("span", { class: "small" }, `${count.toLocaleString("en")} visits`),
    failed > 0 && h("span", { class: "failed" }, `${failed.toLocaleString("en")} failed`),
    h(
      "span",
      { class: "track", "aria-hidden": "true" },
      svg("svg", { viewBox: "0 0 100 4", preserveAspectRatio: "none" }, [
        svg("rect", { x: 0, y: 0, width: part * 100, height: 4, fill: colour(version) }),
      ]),
    ),
  );
}

const dot = (version) => h("span", { class: "dot", color: colour(version), "aria-hidden": "true" });

const number = (label, value, bad) => h("div", { class: bad ? "bad" : null }, h("dt", {}, label), h("dd", {}, value));

const release = (r) =>
  h(
    "li",
    { class: r.current ? "current" : null },
    dot(r.version),
    h("strong", {}, r.version || "?"),
    h("span", { class: "small" }, r.id),
    r.current && h("span", { class: "live" }, "live"),
  );

/** The last minute, a bar a second: the colour is the version that was served, red stands on top for what failed. */
function chart(s) {
  const bars = (page.world.minutes?.[s.name] ?? []).slice(-SECONDS);
  const total = (bar) => Object.values(bar.by).reduce((sum, count) => sum + count, 0);
  const most = Math.max(10, ...bars.map(total));
  const failed = bars.reduce((sum, bar) => sum + bar.failed, 0);
  const rects = bars.flatMap((bar, index) => {
    const x = (SECONDS - bars.length + index) * WIDTH;
    let top = HEIGHT;
    const stack = Object.keys(bar.by).sort().map((version) => {
      const height = (bar.by[version] / most) * (HEIGHT - 4);
      return rect(x, (top -= height), height, colour(version));
    });
    return bar.failed ? [...stack, rect(x, 0, Math.max(4, (bar.failed / most) * HEIGHT), "#e01e5a")] : stack;
  });
  const label = `Visits to ${s.name} in the last minute, second by second; ${failed} failed`;
  return h(
    "figure",
    { class: "chart" },
    svg(
      "svg",
      { viewBox: `0 0 ${SECONDS * WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
      rects,
    ),
    h("figcaption", { class: "small", "aria-hidden": "true" }, h("span", {}, "a minute ago"), h("span", {}, "now")),
  );
}

const rect = (x, y, height, fill) => svg("rect", { x, y, width: WIDTH - 0.8, height, fill });
