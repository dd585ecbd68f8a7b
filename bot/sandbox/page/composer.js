// The box to type in: messages as they are, and commands with their completion.

import { offers, refusal } from "./commands.js";
import { act, h } from "./dom.js";
import { icon, mark } from "./icons.js";
import { moved } from "./popup.js";
import { page } from "./state.js";

const TALLEST = 160;

/**
 * Build a composer into `box`; `id` names its field. `target()` says where it sends: {channel, thread_ts}, and
 * `commands` whether it takes them. Returns {fill(text), relabel(label)}.
 */
export function composer(box, id, target, commands) {
  let marked = -1;
  const list = h("div", { class: "offers-list", role: "listbox", id: `${id}-offers`, "aria-label": "Commands" });
  const shelf = h(
    "div",
    { class: "offers", hidden: true },
    h("p", { class: "menu-label", "aria-hidden": "true" }, "Commands"),
    list,
  );
  const wrong = h("p", { class: "wrong", role: "alert" });
  const field = h("textarea", {
    id,
    rows: 1,
    ...(commands
      ? {
          role: "combobox",
          "aria-expanded": "false",
          "aria-autocomplete": "list",
          "aria-controls": list.id,
          "aria-haspopup": "listbox",
        }
      : {}),
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => ((marked = -1), show()),
    onkeydown: (event) => key(event),
    onblur: () => hide(),
  });
  const slash = h(
    "button",
    {
      type: "button",
      class: "plain square slash",
      title: "Type a command",
      "aria-label": "Type a command",
      onclick: () => begin(),
    },
    icon("slash"),
  );
  const send = h(
    "button",
    { type: "button", class: "send", "aria-label": "Send", disabled: true, onclick: () => submit() },
    icon("send"),
  );
  box.replaceChildren(
    ...(commands ? [shelf] : []),
    h("div", { class: "field" }, field, h("div", { class: "field-foot" }, commands && slash, send)),
    wrong,
  );

  const lines = () => (shelf.hidden ? [] : offers(field.value));

  function hide() {
    shelf.hidden = true;
    marked = -1;
    if (!commands) return;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function show() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, TALLEST)}px`;
    send.disabled = !field.value.trim();
    wrong.textContent = "";
    const found = commands ? offers(field.value) : [];
    if (!found.length) return hide();
    list.replaceChildren(...found.map(row));
    shelf.hidden = false;
    field.setAttribute("aria-expanded", "true");
    if (marked >= 0) field.setAttribute("aria-activedescendant", `${list.id}-${marked}`);
    list.children[marked]?.scrollIntoView({ block: "nearest" });
  }

  function row({ line, note }, index) {
    return h(
      "div",
      {
        id: `${list.id}-${index}`,
        class: "menu-row",
        role: "option",
        "aria-selected": String(index === marked),
        onmousedown: (event) => (event.preventDefault(), take(line)),
      },
      h("span", { class: "offer" }, mark(), h("strong", {}, line)),
      note && h("span", { class: "small" }, note),
    );
  }

  function take(line) {
    field.value = line === page.info.command ? `${line} ` : line;
    show();
    field.focus();
    if (field.value === line) hide();
  }

  function begin() {
    take(page.info.command);
  }

  function key(event) {
    const found = lines();
    if (found.length && ["ArrowDown", "ArrowUp"].includes(event.key))
      ((marked = moved(marked, found.length, event.key)), show());
    else if (found.length && event.key === "Tab" && !event.shiftKey) take(found[Math.max(marked, 0)].line);
    else if (found.length && event.key === "Escape") hide();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing)
      found[marked] ? take(found[marked].line) : submit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  async function submit() {
    const text = field.value.trim();
    if (!text) return;
    const { channel, thread_ts = "" } = target();
    const refused = refusal(text, Boolean(thread_ts));
    if (!refused) field.value = "";
    show();
    hide();
    try {
      if (refused) throw new Error(refused);
      const body = { user: page.me, channel, text };
      await (text.startsWith("/") ? act("command", body) : act("say", { ...body, thread_ts }));
    } catch (failed) {
      if (!field.value) field.value = text;
      show();
      hide();
      wrong.textContent = failed.message;
    }
  }

  return {
    fill: take,
    relabel(label) {
      field.placeholder = label;
      field.setAttribute("aria-label", label);
    },
  };
}
