// Where in the page one is: the channel, the app's Home, its direct messages, or, on a phone, the shop.

import { drawConversations } from "./conversations.js";
import { $, act } from "./dom.js";
import { drawHome } from "./home.js";
import { direct, myself, page } from "./state.js";

const BODIES = { channel: "messages", direct: "direct", home: "home-body" };

/** Draw what is open, and what the names around it say. */
export function drawRoom() {
  for (const [room, id] of Object.entries(BODIES)) $(id).hidden = page.room !== room;
  const app = page.room !== "channel";
  $("room-channel").hidden = app;
  $("room-app").hidden = !app;
  $("app-tabs").hidden = !app;
  $("guide-place").hidden = app;
  $("composer").hidden = page.room === "home";
  for (const tab of ["home", "direct"]) $(`tab-${tab}`).setAttribute("aria-selected", String(page.room === tab));
  mark(".rooms button", (button) => button.dataset.room === (app ? "home" : "channel"));
  mark(".foot-tabs button", (button) =>
    document.body.dataset.pane === "shop"
      ? button.dataset.pane === "shop"
      : button.dataset.room === (app ? "home" : "channel"),
  );
  document.title = `${app ? page.info.bot.display : "#deploys"} as ${myself().display} | ${page.info.team} sandbox`;
  if (page.room === "home") drawHome();
  drawConversations();
}

function mark(buttons, current) {
  for (const button of document.querySelectorAll(buttons)) {
    if (current(button)) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
}

/** Go there; whoever opens the Home lets the app know. */
export function enter(room) {
  page.room = room;
  document.body.dataset.pane = "slack";
  if (page.thread && page.thread.channel !== (room === "channel" ? page.info.channel.id : direct(myself())))
    page.thread = null;
  drawRoom();
  if (room === "home") opened();
}

/** Tell the app that its Home is looked at. */
export const opened = () =>
  act("home", { user: page.me }).catch(() => {
    /* Slack is down; what was published before is shown */
  });

/** Wire the names, the app's tabs and the phone's row of tabs. */
export function wireRooms() {
  for (const button of document.querySelectorAll("[data-room]")) button.onclick = () => enter(button.dataset.room);
  for (const button of document.querySelectorAll("[data-pane]:not(body)")) button.onclick = () => look();
  $("app-tabs").onkeydown = (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    enter(page.room === "home" ? "direct" : "home");
    $(`tab-${page.room}`).focus();
  };
}

/** Show the shop, which on a phone is a page of its own. */
export function look() {
  document.body.dataset.pane = "shop";
  drawRoom();
  $("shop-title").focus();
}
