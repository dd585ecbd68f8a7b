// The app's Home: what the app published for me, or that it has published nothing yet.

import { parts } from "./blocks.js";
import { pressed } from "./confirm.js";
import { $, act, h, keyed } from "./dom.js";
import { values } from "./elements.js";
import { home, page } from "./state.js";

/** Draw it as it is now. */
export function drawHome() {
  const view = home();
  const box = $("home-body");
  const place = {
    press: (e, block, value, node) =>
      pressed(e, node, () =>
        act("click", { user: page.me, view_id: view.id, action_id: e.action_id, value, values: values(box) }),
      ),
    where: { view_id: view?.id },
  };
  const fault = view?.errors?.[""];
  const none = `${page.info.bot.display} has published no Home for you yet.`;
  keyed(box, [
    ...(fault ? [[`!${fault}`, () => h("p", { class: "b-alert error", role: "alert" }, fault)]] : []),
    ...(view ? parts(view.blocks, place) : [["none", () => h("p", { class: "empty" }, none)]]),
  ]);
}
