// The page's pictures: lines on a field of twenty by twenty, in the colour of the text around them.

import { svg } from "./dom.js";

const LINES = {
  back: "M12 4l-6 6 6 6",
  check: "M4 10.5l4 4 8-9",
  close: "M5 5l10 10M15 5L5 15",
  down: "M5.5 8l4.5 4.5L14.5 8",
  eye: "M1.5 10S4.5 4.5 10 4.5s8.5 5.5 8.5 5.5-3 5.5-8.5 5.5S1.5 10 1.5 10zM10 7.5a2.5 2.5 0 1 0 .01 0z",
  file: "M5 2.5h6.5L15.5 6.5v11H5zM11.5 2.5v4h4M7.5 10.5h5.5M7.5 13.5h5.5",
  hash: "M4 7.3h13M3 12.7h13M8.7 3L6.5 17M13.5 3l-2.2 14",
  home: "M3 9.3l7-6 7 6V16a1 1 0 0 1-1 1h-3.6v-4.6H7.6V17H4a1 1 0 0 1-1-1z",
  more: "M4.5 10h.01M10 10h.01M15.5 10h.01",
  out: "M8 4.5H4v11.5h11.5V12M11 3.5h5.5V9M16.2 3.8L9 11",
  reply: "M4 3.5h12q1.5 0 1.5 1.5v7.5q0 1.5-1.5 1.5h-5.5L7 17.3V14H4q-1.5 0-1.5-1.5V5q0-1.5 1.5-1.5z",
  send: "M3 3.5L17.5 10 3 16.5 5 10zM5 10h6",
  shop: "M3.5 7h13l.8 10H2.7zM6.7 9.5V6a3.3 3.3 0 0 1 6.6 0v3.5",
  slash: "M12.5 3.5l-5 13",
};

/** A picture by its name; words beside it, or its button's label, say what it means. */
export const icon = (name) =>
  svg("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: LINES[name] }));

/** The app's own mark. */
export const mark = () =>
  svg(
    "svg",
    { class: "mark", viewBox: "0 0 32 32", "aria-hidden": "true" },
    svg("rect", { width: 32, height: 32, fill: "#1f3b57" }),
    svg("path", { d: "M9 22V10h4.4v12zm9.6 0V10H23v12zm-5.2-8.2h5.2v4.4h-5.2z", fill: "#fff" }),
  );

/** Put the pictures in where the document only names them. */
export function drawIcons() {
  for (const at of document.querySelectorAll("[data-icon]"))
    at.replaceWith(at.dataset.icon === "mark" ? mark() : icon(at.dataset.icon));
}
