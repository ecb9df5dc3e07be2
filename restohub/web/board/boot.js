// Wires everything: the store, the hub, what draws, and what a tap means.

import { createApi, createClock } from './hub.js';
import { createStore, undoAct } from './state.js';
import { startSync } from './sync.js';
import { createOutbox } from './outbox.js';
import * as acts from './acts.js';
import { chooseLanguage, say } from './words.js';
import { createPlan } from './plan.js';
import { createLists } from './lists.js';
import { createTop, createBanner, createRefusals, createActionbar } from './bars.js';
import { ask } from './dialogs.js';
import { enableDrag, enableKeys } from './input.js';
import { isNew, openFirstRun } from './first.js';
import { createQueue, openSearch, openNight, printTonight } from './views.js';
import { attr } from './keyed.js';
import { openArrived, openEdit, openReservation, openWalkIn } from './party.js';
import { startEdit } from './edit.js';

const THEME = 'restohub.theme';
const byId = (id) => document.getElementById(id);

/** The dialogs and modes that are opened by name, so that what draws need know none of them. */
function openers(parts) {
  const known = {
    walkIn: openWalkIn, reservation: openReservation, arrived: openArrived, search: openSearch, night: openNight, print: printTonight,
    edit: (all) => (all.guestId ? openEdit(all) : startEdit(all)),
  };
  return (name, more = {}) => known[name]({ ...parts, ...more });
}

/** What a tap on a table does while a party that has no table yet is selected, or a table is asked for. */
function actFor(view, { selection, picking }, tableId) {
  const table = view.tables.get(tableId);
  if (picking && selection) {
    if (picking.key === 'push') return acts.push(view, picking.tableId, tableId);
    if (picking.key === 'swap') return acts.swap(view, picking.guestId, table.currentGuestId);
    return acts[picking.key](view, picking.guestId, tableId);
  }
  const guest = selection && selection.kind === 'guest' ? view.guests.get(selection.id) : null;
  if (!guest || guest.tableId || !['waiting', 'expected'].includes(guest.phase)) return null;
  const sitting = table.currentGuestId && view.guests.get(table.currentGuestId);
  // Where somebody sits, a tap looks. A table that is held is tried: the refusal says for whom, and the ways on.
  return sitting && sitting.phase === 'seated' ? null : acts.seat(view, guest.id, tableId);
}

function picker(store, press) {
  return (selection) => {
    const { ui, view } = store.get();
    if (ui.mode === 'edit') return;
    const act = selection && selection.kind === 'table' && view.tables.has(selection.id) ? actFor(view, ui, selection.id) : null;
    if (act) {
      press(act);
      store.setUi({ selection: null, picking: null });
    } else if (ui.picking && !selection) store.setUi({ picking: null });
    else {
      const again = selection && ui.selection && selection.id === ui.selection.id && selection.kind === ui.selection.kind;
      store.setUi({ selection: again ? null : selection, picking: null });
    }
  };
}

function question({ key, params }) {
  return { title: say(`${key}.title`, params), text: say(key, params), yes: say(`${key}.yes`, params), no: say('bar.no') };
}

/** A press shows at once; one that takes something away, or seats more than there are chairs, is asked for first. */
function presser(outbox) {
  return async (act) => {
    if (!act) return;
    if (act.ask && !(await ask(question(act.ask)))) return;
    outbox.press(act);
  };
}

function theming(store) {
  const light = matchMedia('(prefers-color-scheme:light)');
  const kept = localStorage.getItem(THEME);
  if (kept) store.setUi({ theme: kept });
  return ({ ui }) => {
    if (ui.theme !== (localStorage.getItem(THEME) || 'auto')) localStorage.setItem(THEME, ui.theme);
    attr(document.documentElement, 'data-theme', ui.theme === 'auto' ? (light.matches ? 'light' : 'dark') : ui.theme);
    attr(document.documentElement, 'data-pane', ui.pane || 'lists');
    attr(document.documentElement, 'data-mode', ui.mode);
  };
}

/** A refusal's ways on: press an act, ask again, look at what is there, or choose another table for the same party. */
function wayOn(store, press, outbox) {
  return ({ id, act, where }, way) => {
    const { view, refusals } = store.get();
    if (way && way.action === 'retry') outbox.retry(id);
    else outbox.discard(id);
    store.set({ refusals: refusals.filter((one) => one.id !== id) });
    if (way && way.action === 'press') press(way.act);
    if (way && way.action === 'look') store.setUi({ selection: way.selection || where, picking: null });
    if (!way || way.action !== 'choose') return;
    const party = act.operations.find(({ entity_type: kind, entity_id: party_ }) => kind === 'guest' && view.guests.has(party_));
    if (party) store.setUi({ selection: { kind: 'guest', id: party.entity_id }, picking: { key: 'seat', guestId: party.entity_id }, pane: 'floor' });
  };
}

/** An empty hub asks once what the restaurant is called, and offers a floor to start from. */
function welcomer(parts, open) {
  let asked = false;
  return async (state) => {
    if (asked || !state.link.live || !isNew(state)) return;
    asked = true;
    const done = await openFirstRun(parts);
    if (done && done.starter === 'empty') open('edit');
  };
}

function wall() {
  document.documentElement.dataset.view = 'queue';
  return [createQueue(document.querySelector('main'))];
}

async function boot() {
  const [store, clock, api] = [createStore(), createClock(), createApi()];
  const theme = theming(store);
  theme(store.get());
  await chooseLanguage();
  const outbox = createOutbox({ store, api, clock, storage: localStorage });
  const press = presser(outbox);
  const onPick = picker(store, press);
  let sync = null;
  const plan = createPlan(byId('plan'), { store, clock, onPick });
  const open = openers({ store, clock, api, press, plan });
  const lists = createLists(byId('side'), { store, clock, onPick, open });
  const change = (restaurantId) => {
    if (sync) sync.stop();
    store.setUi({ selection: null, picking: null, section: null, day: null });
    sync = startSync({ store, clock, restaurantId });
  };
  const rectOf = ({ kind, id }) => (kind === 'table' ? plan.rectOf(id) : lists.rectOf(id));
  const undo = () => press(undoAct(store.get()));
  const parts = [
    { render: theme }, createBanner(byId('banner'), { store, clock, outbox }), createTop(byId('top'), { store, clock, open, undo, change }), plan, lists,
    createActionbar(byId('bar'), { store, clock, press, open }), createRefusals(byId('dialogs'), { store, rectOf, onWay: wayOn(store, press, outbox) }),
  ];
  if (new URLSearchParams(location.search).get('view') === 'queue') parts.splice(2, parts.length, ...wall());
  else {
    parts.push({ render: welcomer({ api, store }, open) });
    enableKeys({ store, press, open, undo });
    enableDrag({ root: document.querySelector('main'), store, press, plan });
  }
  const draw = () => { for (const part of parts) part.render(store.get()); };
  store.subscribe(draw);
  // Minutes are read off the hub's clock, never counted: a device that slept is right with its first look.
  setInterval(draw, 1000);
  addEventListener('resize', draw);
  document.addEventListener('visibilitychange', draw);
  draw();
  const { body } = await api.restaurants();
  if (Array.isArray(body)) store.set({ restaurants: body });
  const asked = Number(new URLSearchParams(location.search).get('restaurant'));
  change(asked || (Array.isArray(body) && body.length ? body[0].id : 1));
}

boot();
