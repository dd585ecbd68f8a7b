// The box to type in: messages as they are, commands with completion from the app's manifest and the versions at hand.

import { act, h, page } from "./dom.js";

/** The lines that may be completed from what stands in the box. */
function offers(typed) {
  if (!typed.startsWith("/")) return [];
  const { command, commands, versions } = page.info;
  const hints = (commands.find((c) => c.command === command)?.usage_hint ?? "help").split("|").map((hint) => hint.trim());
  const deploys = (versions ?? []).map((version) => `deploy ${version}`);
  const lines = [...new Set([...hints, ...deploys])].map((line) => `${command} ${line}`);
  const wanted = typed.toLowerCase();
  return lines.filter((line) => line.startsWith(wanted) && line !== wanted).slice(0, 8);
}

/**
 * Build a composer into `box`. `thread()` gives the ts it replies to, or "".
 */
export function composer(box, label, thread) {
  const id = box.id === "composer" ? "text" : "thread-text";
  let chosen = -1;
  const list = h("ul", { class: "offers", role: "listbox", id: `${id}-offers`, "aria-label": "Commands", hidden: true });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const field = h("textarea", {
    id, rows: 1, placeholder: label, "aria-label": label, role: "combobox", "aria-expanded": "false", "aria-autocomplete": "list",
    "aria-controls": list.id, autocomplete: "off", spellcheck: false, oninput: () => show(), onkeydown: (event) => key(event), onblur: () => setTimeout(hide, 150),
  });
  const send = h("button", { type: "button", class: "send", "aria-label": "Send", onclick: () => submit() }, "➤");
  box.replaceChildren(list, h("div", { class: "field" }, field, send), wrong);

  const hide = () => {
    list.hidden = true;
    chosen = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };

  function show() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 160)}px`;
    const lines = thread() ? [] : offers(field.value);
    if (!lines.length) return hide();
    chosen = Math.min(chosen, lines.length - 1);
    list.replaceChildren(
      ...lines.map((line, index) =>
        h("li", { id: `${list.id}-${index}`, role: "option", "aria-selected": String(index === chosen), onmousedown: () => take(line) }, line),
      ),
    );
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    if (chosen >= 0) field.setAttribute("aria-activedescendant", `${list.id}-${chosen}`);
  }

  function take(line) {
    field.value = line;
    hide();
    field.focus();
  }

  function key(event) {
    const lines = list.hidden ? [] : [...list.children].map((item) => item.textContent);
    if (lines.length && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : lines.length)) % lines.length;
      if (chosen < 0) chosen = lines.length - 1;
      show();
    } else if (lines.length && event.key === "Tab" && !event.shiftKey) take(lines[Math.max(chosen, 0)]);
    else if (event.key === "Escape" && lines.length) hide();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      if (lines.length && chosen >= 0) take(lines[chosen]);
      else submit();
    } else return;
    event.preventDefault();
  }

  async function submit() {
    const text = field.value.trim();
    if (!text) return;
    wrong.textContent = "";
    field.value = "";
    show();
    try {
      if (text.startsWith("/") && thread()) throw new Error("Slack does not take commands in a thread; type it in the channel.");
      if (text.startsWith("/") && text.split(/\s/)[0] !== page.info.command) throw new Error(`${text.split(/\s/)[0]} is not a command here; this app's command is ${page.info.command}.`);
      const body = { user: page.me, channel: "deploys", text };
      await (text.startsWith("/") ? act("command", body) : act("say", { ...body, thread_ts: thread() }));
    } catch (error) {
      wrong.textContent = error.message;
      if (!field.value) field.value = text;
    }
  }

  return {
    fill(text) {
      take(text);
    },
    relabel(text) {
      field.placeholder = text;
      field.setAttribute("aria-label", text);
    },
  };
}
