// The dialogs and modes that are opened by name, so that what draws need know none of them.

import { openArrived, openEdit, openReservation, openWalkIn } from './party.js';
import { openSearch } from './search.js';
import { openNight } from './night.js';
import { printTonight } from './tonight.js';
import { startEdit } from './edit.js';

/** @returns {(name: string, more?: object) => any} opens `walkIn`, `reservation`, `edit` (a party, else the floor) … */
export function openers(parts) {
  const known = {
    walkIn: openWalkIn, reservation: openReservation, arrived: openArrived, search: openSearch, night: openNight, print: printTonight,
    edit: (all) => (all.guestId ? openEdit(all) : startEdit(all)),
  };
  return (name, more = {}) => known[name]({ ...parts, ...more });
}
