// Wires everything: the store, the hub, what draws, and what a tap means.

import { createApi, createClock, keepToken } from './hub.js';
import { createStore, undoAct } from './state.js';
import { startSync } from './sync.js';
import { createOutbox } from './outbox.js';
import * as acts from './acts.js';
import { chooseLanguage, remember, remembered, say } from './words.js';
import { createPlan } from './plan.js';
import { createLists } from './lists.js';
import { createTop, createBanner, createRefusals, createActionbar } from './bars.js';
import { ask, tell } from './dialogs.js';
import { enableDrag, enableKeys } from './input.js';
import { isNew, openFirstRun } from './first.js';
import { createQueue, openSearch, openNight, printTonight } from './views.js';
import { attr } from './keyed.js';
import { openArrived, openEdit, openReservation, openWalkIn } from './party.js';
import { startEdit } from './edit.js';

const THEME = 'restohub.theme';
const byId = (id) => document.getElementById(id);

/** What few open is loaded when it is opened: the file, and what of it opens. */
const LATER = {
  menu: ['access', 'fillMenu'], sign_in: ['signin', 'openSignIn'], person: ['signin', 'watchPerson'], staff: ['staff', 'openStaff'], devices: ['devices', 'openDevices'], closing: ['closing', 'openClosing'], audit: ['audit', 'openAudit'], page: ['pages', 'openPage'],
};
let tries = 0; // a module that did not come stays so, by the standard: under another name it is asked for again

async function openLater([file, opens], parts) {
  const module = await import(`./${file}.js${tries ? `?${tries}` : ''}`).catch(() => { tries += 1; });
  if (module) return module[opens](parts);
  return ['fillMenu', 'watchPerson'].includes(opens) ? null : tell(say('access.not_loaded'));
}

/** The dialogs and modes that are opened by name, so that what draws need know none of them. */
function openers(parts) {
  const known = {
    walkIn: openWalkIn, reservation: openReservation, arrived: openArrived, search: openSearch, night: openNight, print: printTonight,
    edit: (all) => (all.guestId ? openEdit(all) : startEdit(all)),
  };
  const open = (name, more = {}) => (LATER[name] ? openLater(LATER[name], { ...parts, open, ...more }) : known[name]({ ...parts, ...more }));
  return open;
}

/** What a tap on a table does while a party that has no table yet is selected, or a table is asked for. */
function actFor(view, { selection, picking }, tableId) {
  const table = view.tables.get(tableId);
  if (picking && selection) {
    if (picking.key === 'push') return acts.push(view, picking.tableId, tableId);
    if (picking.key === 'swap' && table.currentGuestId) return acts.swap(view, picking.guestId, table.currentGuestId);
    if (picking.key === 'swap') return acts.move(view, picking.guestId, tableId);
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
    const table = selection && selection.kind === 'table' ? view.tables.get(selection.id) : null;
    const act = table ? actFor(view, ui, table.id) : null;
    const asker = ui.picking && (ui.picking.tableId || (view.guests.get(ui.picking.guestId) || {}).tableId);
    if (act) press(act).then((done) => done && store.setUi({ selection: null, picking: null }));
    else if (ui.picking && (!selection || (table && table.id === asker))) store.setUi({ picking: null });
    else if (ui.picking && table) tell(say('bar.not_there', { table: table.tableNumber }));
    else {
      const again = selection && ui.selection && selection.id === ui.selection.id && selection.kind === ui.selection.kind;
      store.setUi({ selection: again ? null : selection, picking: null });
    }
  };
}

function question({ key, params }) {
  return { title: say(`${key}.title`, params), text: say(key, params), yes: say(`${key}.yes`, params), no: say('bar.no'), danger: key === 'ask.remove' };
}

/**
 * A press shows at once; one that takes something away, or seats more than there are chairs, is asked for first.
 * @returns {(act: object) => Promise<boolean>} whether it was pressed
 */
function presser(outbox) {
  return async (act) => {
    if (!act || (act.ask && !(await ask(question(act.ask))))) return false;
    outbox.press(act);
    return true;
  };
}

function theming(store) {
  const light = matchMedia('(prefers-color-scheme:light)');
  let kept = remembered(THEME) || 'auto';
  store.setUi({ theme: kept });
  return ({ ui }) => {
    if (ui.theme !== kept) remember(THEME, kept = ui.theme);
    attr(document.documentElement, 'data-theme', ui.theme === 'auto' ? (light.matches ? 'light' : 'dark') : ui.theme);
    attr(document.documentElement, 'data-pane', ui.pane || 'lists');
    attr(document.documentElement, 'data-mode', ui.mode);
  };
}

/** The act that adds a new party without the table that it could not have. */
function listed({ label }, party) {
  const { tableId, allowOverCapacity, status, ...data } = party.data;
  return { id: acts.newId(), label: { ...label, key: 'act.walk_in' }, operations: [{ ...party, data: status === 'seated' ? data : { ...data, status } }] };
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
    const party = act.operations.find(({ entity_type: kind, action, entity_id: id }) => kind === 'guest' && (action === 'create' || view.guests.has(id)));
    if (!party) return;
    const guestId = party.entity_id;
    // A new party waits on the list until another table is chosen: what was typed is not lost.
    if (party.action === 'create') press(listed(act, party));
    const key = { 'act.hold': 'hold', 'act.move': 'move' }[act.label.key] || 'seat';
    store.setUi({ selection: { kind: 'guest', id: guestId }, picking: { key, guestId }, pane: 'floor' });
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

/** On a closed hub a device that does not belong to it shows a code until a manager lets it in. */
async function pair(api) {
  document.getElementById('banner').hidden = true; // the hub is there
  const { openPairing } = await import('./pairing.js');
  await openPairing(api);
  location.replace(location.pathname + location.search);
}

async function boot() {
  const [store, clock, api] = [createStore(), createClock(), createApi()];
  const known = api.restaurants(); // asked at once: the answer comes while the page is made
  const theme = theming(store);
  theme(store.get());
  await chooseLanguage();
  const outbox = createOutbox({ store, api, clock });
  const press = presser(outbox);
  const onPick = picker(store, press);
  let sync = null;
  const plan = createPlan(byId('plan'), { store, clock, onPick });
  const open = openers({ store, clock, api, press, plan, paired: () => change(store.get().base.restaurantId) });
  const lists = createLists(byId('side'), { store, clock, onPick, open });
  const change = (restaurantId) => {
    if (sync) sync.stop();
    store.setUi({ selection: null, picking: null, section: null, day: null });
    sync = startSync({ store, clock, restaurantId, unpaired: shutOut });
  };
  /** What the hub does not let in any more is shut out, where it is closed; with an open one it goes on as a stranger. */
  const shutOut = async () => {
    const { body } = await api.health();
    if (!body || body.access !== 'open') return pair(api);
    keepToken('');
    return change(store.get().base.restaurantId);
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
    enableKeys({ store, press, open, undo, onPick });
    enableDrag({ root: document.querySelector('main'), store, press, plan });
  }
  const draw = () => { for (const part of parts) part.render(store.get()); };
  store.subscribe(draw);
  // Minutes are read off the hub's clock, never counted: a device that slept is right with its first look.
  setInterval(draw, 1000);
  addEventListener('resize', draw);
  document.addEventListener('visibilitychange', draw);
  draw();
  const { status, body } = await known;
  if (status === 401 || location.hash.startsWith('#pair=')) {
    await pair(api);
    return;
  }
  if (Array.isArray(body)) store.set({ restaurants: body });
  const asked = Number(new URLSearchParams(location.search).get('restaurant'));
  change(asked || (Array.isArray(body) && body.length ? body[0].id : 1));
  if (remembered('restohub.person')) open('person');
}

boot();
