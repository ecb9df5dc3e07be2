// The bar below the floor: who or what is selected, and everything that can be done with it.

import { attr, el, icon } from './keyed.js';
import { say, spoken } from './words.js';
import { possible } from './acts.js';
import { choose } from './dialogs.js';

/**
 * @param {Element} root
 * @param {{store, clock, press: (act) => void, open: (name, more) => void}} parts
 * @returns `{render}`
 */
export function createActionbar(root, { store, clock, press, open }) {
  let shown = [];

  function run({ key, act, needs }) {
    const { view, ui } = store.get();
    const { selection } = ui;
    const guestId = selection.kind === 'guest' ? selection.id : view.tables.get(selection.id).currentGuestId;
    const tableId = selection.kind === 'table' ? selection.id : null;
    if (needs === 'table') store.setUi({ picking: { key, guestId, tableId }, pane: 'floor' });
    else if (needs === 'count') open('arrived', { guestId });
    else if (needs === 'form' && key === 'walk_in') open('walkIn', { tableId });
    else if (needs === 'form') open(key, { guestId });
    else {
      press(act);
      store.setUi({ selection: null, picking: null });
    }
  }

  async function more(rest) {
    const key = await choose({ title: say('bar.more'), options: rest.map((way) => ({ label: words(way), value: way.key })) });
    const way = key && now().find((one) => one.key === key);
    if (way) run(way);
  }

  const now = () => possible(store.get().view, store.get().ui.selection, clock.now());

  function render(state) {
    const { view, ui } = state;
    const entity = ui.selection && (ui.selection.kind === 'guest' ? view.guests : view.tables).get(ui.selection.id);
    document.documentElement.toggleAttribute('data-selected', Boolean(entity));
    const ways = entity ? possible(view, ui.selection, clock.now()).sort((a, b) => Number(b.primary || false) - Number(a.primary || false)) : [];
    const facts = [entity, guestOf(view, ui.selection), ui.picking, spoken(), root.clientWidth, ...ways.map((way) => words(way))];
    if (facts.length === shown.length && facts.every((fact, at) => fact === shown[at])) return;
    shown = facts;
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.do : null;
    root.replaceChildren(...(entity ? parts(view, ui, entity, ways) : [el('p', { class: 'hint' }, say('bar.hint'))]));
    attr(root, 'role', entity ? 'toolbar' : null);
    attr(root, 'aria-label', entity ? say('bar.label', { name: entity.name || say('bar.table', { table: entity.tableNumber }) }) : null);
    if (entity && !ui.picking) shorten(ways);
    const again = focused && root.querySelector(`[data-do="${focused}"]`);
    if (again) again.focus();
  }

  function parts(view, ui, entity, ways) {
    const guest = guestOf(view, ui.selection);
    const table = ui.selection.kind === 'table' ? entity : guest.tableId && view.tables.get(guest.tableId);
    const head = guest ? guest.name : say('bar.table', { table: table.tableNumber });
    const free = guest && !table && guest.phase !== 'done';
    const sub = ui.picking ? say('bar.choose') : free ? say('bar.tap') : [guest && table && say('bar.table', { table: table.tableNumber }), !guest && say('bar.seats', { seats: table.capacity }), table && table.section].filter(Boolean).join(' · ');
    const disc = guest ? guest.partySize : table.tableNumber;
    const clear = el('button', { type: 'button', class: 'btn icon', 'data-do': 'clear', 'aria-label': say('bar.clear'), on: { click: () => store.setUi(store.get().ui.picking ? { picking: null } : { selection: null }) } }, icon('close'));
    const buttons = ui.picking ? [] : ways.map((way) => el('button', { type: 'button', class: `btn${way.primary ? ' main' : ''}`, 'data-do': way.key, on: { click: () => run(freshest(way)) } }, words(way)));
    return [el('span', { class: `size${guest ? '' : ' square'}` }, String(disc)), el('span', { class: 'what', role: 'status' }, el('b', { class: 'cut' }, head), el('small', { class: 'cut' }, sub)), ...buttons, el('span', { class: 'grow' }), clear];
  }

  /** The act as it would be now: the floor may have moved on since the button was drawn. */
  function freshest(way) {
    return now().find((one) => one.key === way.key) || way;
  }

  /** What does not fit on the line goes behind "More". */
  function shorten(ways) {
    if (root.scrollWidth <= root.clientWidth) return;
    const rest = [];
    const button = el('button', { type: 'button', class: 'btn icon', 'data-do': 'more', 'aria-label': say('bar.more'), 'aria-haspopup': 'dialog', on: { click: () => more(rest) } }, icon('more'));
    root.insertBefore(button, root.querySelector('.grow'));
    const nodes = [...root.querySelectorAll('.btn:not(.icon)')];
    while (root.scrollWidth > root.clientWidth && nodes.length > 1) {
      nodes.pop().remove();
      rest.unshift(ways[nodes.length]);
    }
  }

  return { render };
}

function guestOf(view, selection) {
  if (!selection) return null;
  const id = selection.kind === 'guest' ? selection.id : (view.tables.get(selection.id) || {}).currentGuestId;
  return (id && view.guests.get(id)) || null;
}

function words({ key, params }) {
  return say(`do.${key}`, params);
}
