// Ties the page together: who I am, what comes from the sandbox, and what is drawn when.

import { closeThread, keepPlace, showLinked } from "./conversations.js";
import { composer } from "./composer.js";
import { $, announce, inside } from "./dom.js";
import { drawFaults } from "./faults.js";
import { drawGuide, wireGuide } from "./guide.js";
import { drawIcons } from "./icons.js";
import { avatar } from "./messages.js";
import { drawModal, leaveModal } from "./modal.js";
import { drawOutage } from "./outage.js";
import { drawBadges, drawPeople } from "./people.js";
import { drawRoom, enter, look, opened, wireRooms } from "./rooms.js";
import { drawShop } from "./shop.js";
import { here, myself, page, people } from "./state.js";
import { wireTheme } from "./theme.js";

let main = null;
let threaded = null;

const guide = {
  fill(text, as) {
    become(as);
    enter("channel");
    main.fill(text);
  },
  become(name) {
    become(name);
    enter("channel");
  },
  look,
};

function become(name) {
  const changed = page.me !== name;
  page.me = name;
  sessionStorage.setItem("me", name);
  $(`is-${name}`).checked = true;
  if (changed) announce(`You are ${myself().display} now, ${myself().title}.`);
  if (page.room === "home") opened();
  drawSlack();
}

function drawSlack() {
  main.relabel(
    page.room === "channel"
      ? `Message #deploys as ${myself().display}`
      : `Message ${page.info.bot.display} as ${myself().display}`,
  );
  threaded.relabel(`Reply as ${myself().display}`);
  drawRoom();
  drawModal();
  drawBadges();
  drawGuide(guide);
  const on = page.slack.connections > 0;
  for (const line of document.querySelectorAll(".bot-line")) {
    line.classList.toggle("off", !on);
    line.textContent = on ? "The bot is connected" : "The bot is not connected";
  }
}

function listen() {
  const stream = new EventSource("/sandbox/events");
  let first = true;
  stream.addEventListener("slack", (event) => {
    page.slack = JSON.parse(event.data);
    drawOutage(page.slack.down);
    drawSlack();
    if (first) showLinked();
    first = false;
  });
  stream.addEventListener("world", (event) => {
    page.world = JSON.parse(event.data);
    drawShop();
    drawGuide(guide);
  });
  stream.onopen = () => ($("lost").hidden = true);
  stream.onerror = () => ($("lost").hidden = false);
}

function wire() {
  for (const id of ["messages", "direct", "thread-messages"]) keepPlace($(id));
  main = composer($("composer"), "text", () => ({ channel: here() }), true);
  threaded = composer(
    $("thread-composer"),
    "thread-text",
    () => ({ channel: page.thread?.channel, thread_ts: page.thread?.ts ?? "" }),
    false,
  );
  $("thread-close").onclick = closeThread;
  wireRooms();
  wireGuide();
  wireTheme();
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && page.thread && !document.querySelector("dialog[open]")) closeThread();
  });
  document.addEventListener("click", (event) => {
    const place = inside(event.target.closest("a[href]")?.href ?? "about:blank");
    if (!place) return;
    event.preventDefault();
    location.hash = place;
    leaveModal();
    enter("channel");
    showLinked();
  });
  const { chom_toml: toml, bot_log: log, versions } = page.info;
  const about = [
    toml && `The bot’s settings are ${toml}.`,
    log && `Its log is ${log}.`,
    versions?.length && `Versions at hand: ${versions.join(", ")}.`,
  ];
  $("about").textContent = about.filter(Boolean).join(" ");
  $("members").replaceChildren(...people().map((one) => avatar(one.id)));
}

async function begin() {
  page.info = await (await fetch("/sandbox/info")).json();
  if (!myself()) page.me = people()[0].name;
  drawIcons();
  wire();
  drawPeople(become);
  drawFaults();
  become(page.me);
  listen();
  if (matchMedia("(hover: hover)").matches) $("text").focus();
}

begin().catch((wrong) => {
  $("lost").hidden = false;
  throw wrong;
});
