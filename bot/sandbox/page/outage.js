// Says that Slack is down, and for how long yet.

import { $ } from "./dom.js";

let until = 0;
let timer = 0;

/** Slack is down for so many seconds yet; 0 is up. */
export function drawOutage(seconds) {
  until = Date.now() + seconds * 1000;
  clearInterval(timer);
  timer = seconds ? setInterval(tell, 1000) : 0;
  tell();
}

function tell() {
  const left = Math.ceil((until - Date.now()) / 1000);
  $("down").hidden = left <= 0;
  if (left <= 0) clearInterval(timer);
  else
    $("down").textContent = `Slack is down for another ${left} s. Nothing can be typed or pressed; what runs goes on.`;
}
