// What opens over the page beside an element: a list or a menu, in the top layer, kept where its element is.

import { h } from "./dom.js";

const GAP = 4;

/**
 * A popup for `anchor`, closed at first. It has to stand beside its anchor in the document, so that it is alive in a
 * modal dialog too. `open()` and `close()` may be called in any state.
 */
export function popup(anchor, props) {
  const node = h("div", { ...props, popover: "manual" });
  const place = () => {
    const at = anchor.getBoundingClientRect();
    const below = innerHeight - at.bottom - GAP;
    const room = Math.max(below, at.top - GAP) - 8;
    node.style.minWidth = `${Math.min(at.width, innerWidth - 16)}px`;
    node.style.maxHeight = `${Math.min(320, room)}px`;
    const { offsetHeight: height, offsetWidth: width } = node;
    node.style.top = `${below >= Math.min(height, 320) || below >= at.top ? at.bottom + GAP : at.top - GAP - height}px`;
    node.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  };
  return {
    node,
    get shown() {
      return node.matches(":popover-open");
    },
    open() {
      if (!node.isConnected) return;
      if (!this.shown) node.showPopover();
      place();
      addEventListener("scroll", place, true);
      addEventListener("resize", place);
    },
    close() {
      if (this.shown) node.hidePopover();
      removeEventListener("scroll", place, true);
      removeEventListener("resize", place);
    },
  };
}

/** The index after a move with an arrow key, round the ends; -1 is none yet. */
export function moved(index, count, key) {
  if (!count) return -1;
  if (key === "ArrowDown") return (index + 1) % count;
  return index <= 0 ? count - 1 : index - 1;
}
