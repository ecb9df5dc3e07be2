// Tonight on paper: who is expected and who waits, with all that the kitchen and the door must know.
import { el } from "./keyed.js";
import { formats, say } from "./words.js";
import { booked, waiting } from "./choose.js";
import { businessDay } from "./clock.js";

export function printTonight({ store, clock }) {
  const { view, restaurant, ui } = store.get();
  const time = formats(restaurant);
  const day = ui.day || businessDay(clock.now(), restaurant.timezone);
  const before = document.querySelector(".paper");
  if (before) before.remove();
  const made = say("tonight.made", { time: time.time(clock.now()) });
  document.body.append(el("section", { class: "paper" }, el("h1", {}, restaurant.name), el("p", {}, `${time.day(day)} · ${made}`),
    tableOf(say("tonight.booked"), booked(view, day, restaurant.timezone), view, (guest) => time.time(guest.reservationTime)),
    ui.day ? null : tableOf(say("tonight.waiting"), waiting(view), view, (guest) => time.time(guest.checkInTime || guest.createdAt))));
  document.body.classList.add("has-paper");
  window.print();
  // Not at `afterprint`: Safari on iOS says so before it has read the page.
  addEventListener("pointerdown", () => document.body.classList.remove("has-paper"), { once: true });
}

function tableOf(title, guests, view, timeOf) {
  if (!guests.length) return null;
  const heads = ["time", "size", "name", "phone", "table", "notes"];
  return el("table", {}, el("caption", {}, `${title} (${guests.length})`), el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", {}, say(`tonight.${head}`))))),
    el("tbody", {}, ...guests.map((guest) => {
      const table = guest.tableId && view.tables.get(guest.tableId);
      const cells = [timeOf(guest), guest.partySize, guest.name, guest.phone || "", table ? table.tableNumber : "", notesOf(guest)];
      return el("tr", {}, ...cells.map((cell) => el("td", {}, String(cell))));
    })));
}

const notesOf = ({ dietaryRestrictions, tags, notes, specialRequests, totalVisits }) => [
  dietaryRestrictions.length ? `⚠ ${dietaryRestrictions.join(", ")}` : "", tags.join(", "), notes, specialRequests,
  totalVisits ? say("tonight.visit", { count: totalVisits + 1 }) : ""].filter(Boolean).join(" · ");
