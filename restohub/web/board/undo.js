// Undo: the last act taken back by a change forward, on just the versions that the act had left.

import { kept } from "./floor.js";
import { PHASES } from "./predict.js";
import { newId } from "./acts.js";

const GUEST = ["firstName", "lastName", "partySize", "status", "phone", "email", "notes", "specialRequests", "dietaryRestrictions",
  "tags", "isWalkIn", "quotedWait", "reservationTime", "checkInTime", "seatedTime", "finishedTime", "notifiedTime",
  "arrivedCount"];
const TABLE = ["tableNumber", "capacity", "minCapacity", "position", "shape", "rotation", "section", "server", "notes"];

const isSame = (one, other) => one === other || JSON.stringify(one) === JSON.stringify(other);

/** @returns {object|null} The last act that can be taken back (an entry of `state.done`), for the name of the button. */
export function undoable(state) {
  const last = state.done[state.done.length - 1];
  return last && last.epoch === state.base.epoch ? last : null;
}

/**
 * The act that takes the last one back, or null. Where somebody changed the same meanwhile the hub refuses it, and says so.
 * @param {import("./state.js").State} state
 * @returns {import("./state.js").Act|null}
 */
export function undoAct(state) {
  const entry = undoable(state);
  if (!entry) return null;
  const operations = backwards(entry, state.view);
  return operations.length
    ? { id: newId(), label: { key: "act.undo", params: { what: entry.act.label } }, operations, undoes: entry.act.id }
    : null;
}

function backwards({ before, versions }, view) {
  const steps = { first: [], leave: [], guests: [], last: [] };
  for (const { key, image } of before) {
    const kind = key.slice(0, 5);
    const present = view[kept(kind)].get(key.slice(6)) || null;
    const op = (action, data) => ({
      entity_type: kind, action, entity_id: key.slice(6), ...(data ? { data } : {}),
      ...(action === "create" ? {} : { if_match: versions[key] }),
    });
    if (!image && present) steps.last.push(op("delete"));
    else if (image && !present) steps.guests.push(remade(kind, image));
    else if (image && present) (kind === "guest" ? backGuest : backTable)(steps, image, present, op);
  }
  return [...steps.first, ...steps.leave, ...steps.guests, ...steps.last];
}

/** A deleted id is not given again, so that it comes back under another. */
function remade(kind, image) {
  const fields = differing(kind === "guest" ? GUEST : TABLE, image, {});
  const extra = kind === "guest" ? { tableId: image.tableId, allowOverCapacity: true } : { status: image.status };
  return { entity_type: kind, action: "create", entity_id: newId(), data: { ...fields, ...extra } };
}

function differing(keys, image, present) {
  const known = keys.filter((key) => image[key] !== undefined && !isSame(image[key], present[key]));
  return Object.fromEntries(known.map((key) => [key, image[key]]));
}

function backGuest(steps, image, present, op) {
  const data = differing(GUEST, image, present);
  if (image.tableId !== present.tableId) {
    if (present.tableId && image.tableId) steps.leave.push(op("update", { tableId: null }));
    Object.assign(data, { tableId: image.tableId, status: image.status, allowOverCapacity: true });
    if (!image.tableId) delete data.allowOverCapacity;
  }
  // A change of status stamps and clears times, so that all three are said, and which table stays his.
  if (data.status && PHASES[present.status] !== undefined) {
    for (const key of ["checkInTime", "seatedTime", "finishedTime"]) data[key] = image[key];
    if (image.notifiedTime !== undefined) data.notifiedTime = image.notifiedTime;
    if (image.tableId) Object.assign(data, { tableId: image.tableId, allowOverCapacity: true });
    // Who gets up from a table loses it, so that it is left and held again.
    const getsUp = present.status === "seated" && image.status !== "seated" && image.tableId === present.tableId;
    if (getsUp && image.tableId) steps.leave.push(op("update", { tableId: null }));
  }
  // A time that is there already counts as not sent, so that going back clears it: it is sent once more after that.
  const { notifiedTime } = image;
  if (data.status && notifiedTime && notifiedTime === present.notifiedTime) steps.last.push(op("update", { notifiedTime }));
  // Who leaves goes before who comes: a table never has two.
  const leaves = present.tableId && !image.tableId;
  if (Object.keys(data).length) steps[leaves ? "leave" : "guests"].push(op("update", data));
}

function backTable(steps, image, present, op) {
  const data = differing(TABLE, image, present);
  if (data.capacity !== undefined) data.allowOverCapacity = true;
  const comesBack = image.currentGuestId !== null && image.currentGuestId !== present.currentGuestId;
  if (comesBack && present.status === "outOfService") data.status = "available";
  if (Object.keys(data).length) steps.first.push(op("update", data));
  // Once his guest has left it is `available`, whatever it was before.
  const left = present.currentGuestId === null ? present.status : "available";
  if (image.currentGuestId === null && image.status !== left) steps.last.push(op("update", { status: image.status }));
}
