// A field to search and choose in, one option or several, from a list that is here or that the app is asked for.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { plain } from "./mrkdwn.js";
import { moved, popup } from "./popup.js";

const PAUSE = 150;
/** Milliseconds without a key before the app is asked. */
const NOTHING = "Nothing found.";

const words = (option) => option.text.text;

/** Groups in which only the options stay that hold what was typed. */
export function matching(groups, query) {
  const wanted = query.trim().toLowerCase();
  const holds = (o) => `${words(o)} ${o.description?.text ?? ""}`.toLowerCase().includes(wanted);
  return groups
    .map((group) => ({ ...group, options: group.options.filter(holds) }))
    .filter((group) => group.options.length);
}

/**
 * The field. `find(query)` gives [{label, options}]; where it is `slow`, a promise of them, or throws an Error to show.
 * `first` are the options chosen at first; `many` allows several; `least` is how many characters have to be typed;
 * `props` go to the field; `onchange()` follows every choice. Returns {node, chosen()}.
 */
export function picker({ name, placeholder, find, first, many, least = 0, slow, props, onchange }) {
  let chosen = [...first];
  let offered = [];
  let marked = -1;
  let asked = 0;
  let timer = 0;
  const id = `pick-${crypto.randomUUID()}`;
  const field = h("input", {
    ...props,
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    placeholder,
    "aria-label": props?.id ? null : name,
    "aria-expanded": "false",
    "aria-autocomplete": "list",
    "aria-controls": id,
    "aria-haspopup": "listbox",
    onfocus: () => field.select(),
    onclick: () => list.shown || look(""),
    oninput: () => look(field.value),
    onkeydown: (event) => key(event),
    onblur: () => leave(),
  });
  const box = h("div", { class: "picker-field" }, field, icon("down"));
  const node = h("div", { class: "picker" }, box);
  const list = popup(box, { class: "menu", onmousedown: (event) => event.preventDefault() });
  const rows = h("div", { id, role: "listbox", "aria-label": name, "aria-multiselectable": many ? "true" : null });
  const note = h("p", { class: "menu-note", role: "status" });
  list.node.append(rows, note);
  node.append(list.node);

  const isChosen = (option) => chosen.some((one) => one.value === option.value);

  function show() {
    if (many) box.replaceChildren(...chosen.map(chip), field, icon("down"));
    else field.value = chosen.length ? words(chosen[0]) : "";
  }

  function chip(option) {
    return h(
      "span",
      { class: "chip" },
      words(option),
      h(
        "button",
        { type: "button", "aria-label": `Take away ${words(option)}`, onclick: () => take(option) },
        icon("close"),
      ),
    );
  }

  function look(query) {
    clearTimeout(timer);
    const number = ++asked;
    if (!slow) return open(find(query), query);
    open(
      [],
      query,
      query.length < least ? `Type at least ${least} ${least === 1 ? "character" : "characters"}.` : "Searching…",
    );
    if (query.length >= least) timer = setTimeout(() => answer(query, number), query ? PAUSE : 0);
  }

  async function answer(query, number) {
    let groups = [];
    let said = NOTHING;
    try {
      groups = await find(query);
    } catch (wrong) {
      said = wrong.message;
    }
    if (number === asked && list.shown) open(groups, query, said);
  }

  /** Show what is offered for what was typed, or why nothing is; what was typed marks the first. */
  function open(groups, query, said = NOTHING) {
    offered = groups.flatMap((group) => group.options);
    marked = query && offered.length ? 0 : many ? -1 : offered.findIndex(isChosen);
    let index = 0;
    rows.replaceChildren(
      ...groups.map((group) => {
        const inside = group.options.map((option) => row(option, index++));
        return group.label
          ? h(
              "div",
              { role: "group", "aria-label": group.label },
              h("div", { class: "menu-label", "aria-hidden": "true" }, group.label),
              inside,
            )
          : h("div", { role: "presentation" }, inside);
      }),
    );
    note.textContent = offered.length ? "" : said;
    list.open();
    field.setAttribute("aria-expanded", "true");
    mark(marked);
  }

  function row(option, index) {
    return h(
      "div",
      {
        id: `${id}-${index}`,
        class: "menu-row",
        role: "option",
        "aria-selected": String(isChosen(option)),
        onclick: () => take(option),
      },
      h("span", {}, plain(option.text), option.description && h("span", { class: "small" }, plain(option.description))),
      isChosen(option) && icon("check"),
    );
  }

  function mark(index) {
    marked = index;
    rows.querySelector(".marked")?.classList.remove("marked");
    const now = rows.querySelector(`[id="${id}-${index}"]`);
    now?.classList.add("marked");
    now?.scrollIntoView({ block: "nearest" });
    if (now) field.setAttribute("aria-activedescendant", now.id);
    else field.removeAttribute("aria-activedescendant");
  }

  function close() {
    asked++;
    list.close();
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function take(option) {
    if (!many) chosen = [option];
    else chosen = isChosen(option) ? chosen.filter((one) => one.value !== option.value) : [...chosen, option];
    field.value = "";
    show();
    close();
    field.focus();
    onchange();
  }

  /** An emptied field means that nothing is chosen; words that were typed and not taken mean nothing. */
  function leave() {
    const emptied = !many && !field.value && chosen.length;
    if (emptied) chosen = [];
    if (many) field.value = "";
    else show();
    close();
    if (emptied) onchange();
  }

  function key(event) {
    if (["ArrowDown", "ArrowUp"].includes(event.key))
      list.shown ? mark(moved(marked, offered.length, event.key)) : look("");
    else if (event.key === "Enter" && list.shown) offered[marked] && take(offered[marked]);
    else if (event.key === "Escape" && list.shown) (show(), close());
    else if (event.key === "Backspace" && many && !field.value && chosen.length) take(chosen.at(-1));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  show();
  return { node, chosen: () => chosen };
}
