// Ties the page together: who I am, what comes from the sandbox, and the three sentences for a newcomer.

import { $, act, h, myself, page } from "./dom.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { drawModal } from "./dialogs.js";
import { closeThread, drawMessages, keepPlace, showLinked } from "./messages.js";
import { drawFaults, drawShop } from "./shop.js";

const FIRST = "/chom deploy v1.2";
const theme = new URLSearchParams(location.search).get("theme");
if (theme) document.documentElement.dataset.theme = theme;

let main = null;
let room = "deploys";

function become(name) {
  page.me = name;
  sessionStorage.setItem("me", name);
  main.relabel(`Message #deploys as ${myself().display}`);
  $(`is-${name}`).checked = true;
  drawSlack();
}

function drawPeople() {
  $("people").replaceChildren(
    ...page.info.people.map((person) =>
      h(
        "label",
        { class: "person" },
        h("input", { type: "radio", name: "me", id: `is-${person.name}`, checked: person.name === page.me, onchange: () => become(person.name) }),
        h("span", { class: "name" }, person.display.split(" ")[0], h("span", { class: "rest" }, ` ${person.display.split(" ").slice(1).join(" ")}`)),
        h("span", { class: "title" }, person.name, h("span", { class: "rest" }, ` · ${person.title}`)),
      ),
    ),
  );
}

function drawGuide() {
  const { display } = page.info.people[0];
  const lead = page.info.people.find((person) => person.name === "lead");
  const fill = h("button", { type: "button", class: "code", onclick: () => (become("dev"), main.fill(FIRST)) }, FIRST);
  const turn = h("button", { type: "button", class: "code", onclick: () => become("lead") }, `become ${lead.display}`);
  $("guide-type").replaceChildren(`As ${display} (dev), type `, fill, " and press Enter: the bot answers with a plan.");
  $("guide-become").replaceChildren("Then ", turn, " (lead), the Tech Lead, and click Approve on the card.");
  $("guide-look").replaceChildren("Now look at the shop: production goes from v1.0 to v1.2, and no visit fails.");
  $("guide-close").onclick = () => hideGuide(true);
  hideGuide(sessionStorage.getItem("guide") === "hidden");
}

function hideGuide(hidden) {
  document.querySelector(".guide").hidden = hidden;
  sessionStorage.setItem("guide", hidden ? "hidden" : "shown");
}

function drawSlack() {
  const home = page.slack.views.find((v) => v.type === "home" && v.user === page.me);
  $("room-home").hidden = !home;
  if (room === "home" && home) {
    const press = (e, block, value) => act("click", { user: page.me, view_id: home.id, action_id: e.action_id, value });
    $("messages").replaceChildren(h("div", { class: "home" }, blocks(home.blocks, press)));
  } else drawMessages();
  drawModal();
  const { connections } = page.slack;
  $("bot-line").className = `bot-line ${connections ? "on" : "off"}`;
  $("bot-line").textContent = connections ? "The bot is connected." : "The bot is not connected.";
}

function enter(name) {
  room = name;
  $("messages").replaceChildren();
  for (const which of ["deploys", "home"]) $(`room-${which}`).toggleAttribute("aria-current", which === name);
  $("room-name").textContent = name === "home" ? "chom, Home" : "# deploys";
  $("composer").hidden = name === "home";
  if (name === "home") act("home", { user: page.me });
  drawSlack();
}

function listen() {
  const stream = new EventSource("/sandbox/events");
  let first = true;
  stream.addEventListener("slack", (event) => {
    page.slack = JSON.parse(event.data);
    drawSlack();
    if (first) showLinked();
    first = false;
  });
  stream.addEventListener("world", (event) => {
    page.world = JSON.parse(event.data);
    drawShop();
  });
  stream.onopen = () => ($("lost").hidden = true);
  stream.onerror = () => ($("lost").hidden = false);
}

function wire() {
  for (const id of ["messages", "thread-messages"]) keepPlace($(id));
  main = composer($("composer"), "Message #deploys", () => "");
  composer($("thread-composer"), "Reply in thread", () => page.thread);
  $("thread-close").onclick = closeThread;
  $("room-deploys").onclick = () => enter("deploys");
  $("room-home").onclick = () => enter("home");
  for (const tab of document.querySelectorAll("[data-go]")) tab.onclick = () => (document.body.dataset.pane = tab.dataset.go);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && page.thread && !document.querySelector("dialog[open]")) closeThread();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href*='/archives/']");
    if (!link || link.origin !== location.origin) return;
    event.preventDefault();
    location.hash = link.pathname.replace("/archives/", "");
    showLinked();
  });
  const { chom_toml: toml, versions } = page.info;
  $("about").textContent = [toml && `The bot's settings: ${toml}`, versions?.length && `Versions at hand: ${versions.join(", ")}`].filter(Boolean).join(". ");
}

page.info = await (await fetch("/sandbox/info")).json();
if (!myself()) page.me = "dev";
wire();
drawPeople();
drawGuide();
drawFaults();
become(page.me);
listen();
$("text").focus();
