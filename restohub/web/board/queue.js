// The wall: who is next, by first names and sizes, for a screen that the waiting parties see. It hides, it does not protect.
import { attr, el, keyed, text } from "./keyed.js";
import { say } from "./words.js";
import { waiting } from "./choose.js";

/** @returns {{render: (state: object) => void}} draws into `root`, which is all of the page */
export function createQueue(root) {
  const title = el("h1", {});
  const list = el("ol", {});
  const none = el("p", {});
  const more = el("p", {});
  root.replaceChildren(el("section", { id: "queue" }, title, list, none, more));
  const rows = () => Math.max(3, Math.floor((list.clientHeight || 600) / 104)) * (list.clientWidth > 1200 ? 2 : 1);
  function render({ view, restaurant, link }) {
    const all = waiting(view);
    const shown = all.slice(0, rows());
    text(title, restaurant ? restaurant.name : "");
    text(none, all.length ? "" : say("queue.none"));
    text(more, all.length > shown.length ? say("queue.more", { count: all.length - shown.length }) : link.live ? "" : say("queue.behind"));
    keyed(list, shown, {
      key: ({ id }) => id,
      facts: (guest) => [guest.firstName, guest.partySize, guest.status, shown.indexOf(guest)],
      create: () => el("li", {}, el("i", {}), el("b", {}), el("span", {}), el("em", {})),
      update(node, guest) {
        const parts = [String(shown.indexOf(guest) + 1), guest.firstName, say("queue.party", { count: guest.partySize }), guest.status === "notified" ? say("queue.ready") : ""];
        parts.forEach((part, at) => text(node.children[at], part));
        attr(node, "data-ready", guest.status === "notified");
      },
    });
  }
  return { render };
}
