// The line at the top: which restaurant, whether the floor is in step, covers, the hub's time, undo, the menu.

import { possible } from './acts.js';
import { covers, seated, waiting, waits as isWaiting } from './choose.js';
import { choose } from './dialogs.js';
import { deviceToken } from './hub.js';
import { attr, el, icon, keyed, text } from './keyed.js';
import { withSizes } from './party.js';
import { undoable } from './state.js';
import { chooseLanguage, formats, knows, languages, say, spoken } from './words.js';

const THEMES = ['auto', 'dark', 'light'];

function stat() {
  const label = el('dt', {});
  const count = el('dd', {});
  return { label, count, node: el('div', {}, label, count) };
}

/** @returns `{render}`; `open(name)` opens a dialog, `undo()` takes the last act back, `change(id)` goes to a restaurant. */
export function createTop(root, { store, clock, open, undo, change }) {
  const name = el('h1', { class: 'place' });
  const pick = el('select', { class: 'place', hidden: true, on: { change: () => change(Number(pick.value)) } });
  const live = el('span', { class: 'live' }, icon('tick'), icon('warn'), el('span', {}));
  const bars = el('span', { class: 'bars' });
  const pace = el('div', { class: 'pace', role: 'img' }, bars, el('span', {}), el('b', {}));
  const sitting = stat();
  const waits = stat();
  const time = el('time', { class: 'now' });
  const undoing = el('small', {});
  const undoLabel = el('b', {});
  const undoButton = el('button', { type: 'button', class: 'undo', on: { click: undo } }, icon('undo'), el('span', {}, undoLabel, undoing));
  const menuButton = el('button', { type: 'button', class: 'more', 'aria-haspopup': 'dialog', on: { click: () => showMenu(store, open) } }, icon('more'));
  root.replaceChildren(name, el('span', { class: 'pick' }, pick, icon('down')), live, el('span', { class: 'grow' }), pace,
    el('dl', { class: 'stats' }, sitting.node, waits.node), time, undoButton, menuButton);

  function render(state) {
    const { restaurant, restaurants, view } = state;
    const format = formats(restaurant);
    const now = clock.now();
    const several = restaurants.length > 1;
    name.classList.toggle('vh', several);
    attr(pick.parentNode, 'hidden', !several);
    attr(pick, 'hidden', !several);
    text(name, restaurant ? restaurant.name : '');
    if (several) keyed(pick, restaurants, { key: (one) => String(one.id), facts: (one) => [one.name], create: (one) => el('option', { value: one.id }), update: (node, one) => text(node, one.name) });
    if (several && restaurant) pick.value = String(restaurant.id);
    attr(pick, 'aria-label', say('top.restaurant'));
    const title = restaurant && say('top.title', { name: restaurant.name });
    if (title && document.title !== title) document.title = title;
    renderLink(live, state);
    text(time, format.time(now));
    attr(time, 'datetime', new Date(now).toISOString().slice(0, 16));
    const count = (guests) => format.number(guests.reduce((sum, guest) => sum + guest.partySize, 0));
    text(sitting.label, say('top.seated'));
    text(sitting.count, count(seated(view)));
    text(waits.label, say('top.waiting'));
    text(waits.count, count(waiting(view)));
    renderPace(pace, bars, covers(view, now), format);
    const last = undoable(state);
    const act = last && (last.act || last);
    attr(undoButton, 'disabled', !last);
    text(undoLabel, say('top.undo'));
    text(undoing, act ? say(act.label.key, act.label.params) : say('top.nothing'));
    attr(menuButton, 'aria-label', say('top.menu'));
  }
  return { render };
}

/** For how long the floor has been behind, in words. */
export function behind(since) {
  const seconds = Math.max(0, Math.round((Date.now() - since) / 1000));
  return seconds < 100 ? say('top.seconds', { count: seconds }) : say('top.minutes', { count: Math.round(seconds / 60) });
}

function renderLink(node, { link, pending }) {
  const waits = pending.filter(isWaiting).length;
  const words = link.live ? say('top.live') : link.state === 'connecting' || link.state === 'catching_up' ? say('top.connecting') : say('top.behind', { time: behind(link.since) });
  node.classList.toggle('off', !link.live);
  text(node.lastElementChild, waits ? `${words} · ${say('top.waits', { count: waits })}` : words);
}

const written = new WeakMap();

function renderPace(node, bars, quarters, format) {
  const facts = [spoken(), ...quarters.map(({ at, covers: count }) => `${at} ${count}`)].join();
  const was = written.get(node);
  if (was && was.facts === facts && was.format === format) return;
  written.set(node, { facts, format });
  const most = Math.max(8, ...quarters.map((quarter) => quarter.covers));
  keyed(bars, quarters, {
    key: (quarter) => String(quarter.at),
    facts: (quarter) => [quarter.covers, most],
    create: () => el('i', {}),
    update: (bar, quarter) => bar.style.setProperty('height', `${Math.max(2, Math.round((28 * quarter.covers) / most))}px`),
  });
  attr(node, 'aria-label', say('top.covers', { list: quarters.map(({ at, covers: count }) => `${format.time(at)} ${format.number(count)}`).join(', ') }));
  text(node.children[1], say('top.next'));
  text(node.lastElementChild, quarters.length ? format.number(quarters[0].covers) : '0');
}

function showMenu(store, open) {
  const { ui, base } = store.get();
  const close = (then) => () => { dialog.close(); then(); };
  const entry = (key, then = () => open(key), words = say(`top.${key}`)) => el('button', { type: 'button', 'data-menu': key, on: { click: close(then) } }, words);
  // A link sends no token: a device that has one fetches the page.
  const page = (key, path) => el('a', { href: path, 'data-menu': key, on: { click: (event) => {
    if (!deviceToken()) return;
    event.preventDefault();
    close(() => open('page', { path, title: say(`top.${key}`) }))();
  } } }, say(`top.${key}`));
  const managing = el('div', { class: 'managing' });
  const names = el('button', { type: 'button', role: 'switch', 'data-menu': 'names', 'aria-checked': String(ui.names), on: { click: () => {
    store.setUi({ names: !store.get().ui.names });
    attr(names, 'aria-checked', String(store.get().ui.names));
  } } }, say('top.names'), el('span', { class: 'switch' }));
  const choice = (label, options, chosen, choose) => el('fieldset', {}, el('legend', {}, label), ...options.map(([value, words]) => el('label', {},
    el('input', { type: 'radio', name: label, value, checked: value === chosen, on: { change: () => choose(value) } }), el('span', {}, words))));
  const dialog = el('dialog', { class: 'menu', 'aria-label': say('top.menu') },
    entry('search'), entry('edit'), entry('night'), entry('print'), el('a', { href: '/?view=queue', 'data-menu': 'queue' }, say('top.queue')),
    page('report', `/restaurants/${base.restaurantId}/reports/latest`), managing, el('hr'), names,
    choice(say('top.theme'), THEMES.map((theme) => [theme, say(`top.theme.${theme}`)]), ui.theme, (theme) => store.setUi({ theme })),
    choice(say('top.language'), Object.entries(languages), spoken(), async (language) => { await chooseLanguage(language); store.setUi({ language }); dialog.close(); }),
    el('hr'), page('about', '/about'));
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  document.getElementById('dialogs').append(dialog);
  dialog.showModal();
  open('menu', { place: managing, entry: (key, words) => entry(key, undefined, words) });
}
// What is wrong, said where staff look: the link to the hub in a line below the top, a refusal at its table or row.

const TIME = /^\d{4}-\d\d-\d\dT/;
const HOLD = ['held', 'conflict'];

function count(pending, ...states) {
  return pending.filter(({ state }) => states.includes(state)).length;
}

/** @returns `{render}`: one of the link's states in a sentence, what it means, and what waits here. */
export function createBanner(root, { store, clock, outbox }) {
  const what = el('b', {});
  const rest = el('span', {});
  const look = el('button', { type: 'button', on: { click: () => showOutbox(store, outbox) } });
  root.append(icon('warn'), el('p', {}, what, ' ', rest), look);
  let seen = null; // the hub's time when the floor was last in step

  function render(state) {
    const { link, pending, restaurant } = state;
    if (link.live) seen = clock.now();
    const news = link.state !== 'live' && !(link.state === 'connecting' && Date.now() - link.since < 1500);
    const risky = state.storage === 'failed' && pending.some((one) => one.state !== 'answered');
    const stuck = link.live && pending.find((one) => isWaiting(one) && one.problem);
    const [waits, held, conflicts] = [pending.filter(isWaiting).length, count(pending, 'held'), count(pending, 'conflict')];
    const decide = held + conflicts > 0;
    const shown = news || decide || stuck || risky;
    attr(root, 'class', shown ? `shown ${link.state}` : null);
    if (shown) clearOf(root);
    attr(document.documentElement, 'data-stale', !link.live);
    const parts = [];
    if (news && !link.live && seen !== null && link.state !== 'catching_up') parts.push(say('banner.as_of', { time: formats(restaurant).time(seen) }));
    if (news && knows(`banner.${link.state}.way`)) parts.push(say(`banner.${link.state}.way`));
    if (waits) parts.push(say('banner.waits', { count: waits }));
    if (stuck) parts.push(stuck.problem.detail);
    if (held) parts.push(say('banner.held', { count: held }));
    if (conflicts) parts.push(say('banner.conflicts', { count: conflicts }));
    if (risky) parts.push(say('banner.storage'));
    text(what, shown && news ? say(`banner.${link.state}`) : '');
    text(rest, shown ? parts.join(' ') : '');
    text(look, say('banner.look'));
    attr(look, 'hidden', waits + held + conflicts === 0);
  }
  return { render };
}

/** The banner ends before the clock, undo and the menu; on a small screen before undo. */
function clearOf(root) {
  const first = document.querySelector(innerWidth > 900 ? '#top .now' : '#top .undo');
  if (first) root.style.setProperty('--clear', `${Math.max(0, Math.round(innerWidth - first.getBoundingClientRect().left + 8))}px`);
}

/** What waits in the outbox, each with what can be done about it. */
function showOutbox(store, outbox) {
  const list = el('ul', {});
  const close = el('button', { type: 'button', class: 'btn', on: { click: () => dialog.close() } }, say('top.close'));
  const dialog = el('dialog', { class: 'sheet outbox', 'aria-label': say('banner.outbox') }, el('header', {}, close, el('h2', {}, say('banner.outbox')), el('span', {})), list);
  const way = (key, act) => el('button', { type: 'button', class: 'btn', on: { click: act } }, say(`banner.${key}`));
  const render = (state) => {
    const time = formats(state.restaurant);
    const shown = state.pending.filter((one) => one.state === 'sending' || one.state === 'waiting' || HOLD.includes(one.state));
    if (!shown.length && dialog.open) dialog.close();
    keyed(list, shown, {
      key: (one) => one.act.id,
      facts: (one) => [one.state, one.conflict, spoken()],
      create: () => el('li', {}),
      update(node, { act, state: how, at, conflict, epoch }) {
        const { id } = act;
        const ways = { held: [epoch === state.base.epoch && way('send', () => outbox.retry(id)), way('discard', () => outbox.discard(id))],
          conflict: [way('mine', () => outbox.resolve(id, 'mine')), way('theirs', () => outbox.resolve(id, 'theirs'))] }[how] || [];
        node.replaceChildren(el('b', {}, say(act.label.key, act.label.params)), el('small', {}, say(`banner.state.${how}`, { time: time.time(at) })),
          ...versions(conflict, time, state.view), el('span', { class: 'ways' }, ...ways.filter(Boolean)));
      },
    });
  };
  const stop = store.subscribe(render);
  dialog.addEventListener('close', () => { stop(); dialog.remove(); });
  document.getElementById('dialogs').append(dialog);
  dialog.showModal();
  render(store.get());
}

/** Both versions of a conflict, field by field where they differ. */
function versions(conflict, time, view) {
  if (!conflict) return [];
  const { mine, theirs } = conflict;
  if (!theirs) return [el('p', {}, say('banner.gone'))];
  const show = (key, value) => {
    if (value === null || value === undefined) return '–';
    if (key === 'tableId') return (view.tables.get(value) || {}).tableNumber || '–';
    if (knows(`party.${key}_${value}`)) return say(`party.${key}_${value}`);
    return Array.isArray(value) ? value.join(', ') : TIME.test(value) ? time.time(value) : String(value);
  };
  const fields = Object.keys(mine).filter((key) => JSON.stringify(mine[key]) !== JSON.stringify(theirs[key]) && knows(`field.${key}`));
  return fields.map((key) => el('p', {}, `${say(`field.${key}`)}: `, say('banner.yours', { text: show(key, mine[key]) }), ' · ', say('banner.others', { text: show(key, theirs[key]) })));
}

/** The times among the params as the restaurant writes them. */
function timed(params, store) {
  const { time } = formats(store.get().restaurant);
  const written = (value) => (value && value.key ? { ...value, params: timed(value.params, store) } : TIME.test(value) ? time(value) : value);
  return Object.fromEntries(Object.entries(params || {}).map(([name, value]) => [name, written(value)]));
}

/**
 * Refusals as bubbles: at the table or row that they are about, else at the bottom. They stay until they are answered.
 * @param {Element} root
 * @param {{store, rectOf: (selection) => DOMRect|null, onWay: (refusal, way) => void}} parts
 */
export function createRefusals(root, { store, rectOf, onWay }) {
  const layer = el('div', { class: 'refusals' });
  root.append(layer);

  function create(refusal) {
    return el('div', { class: 'bubble', role: 'alert', 'data-refusal': refusal.id });
  }

  function update(node, refusal) {
    const { key, params, ways, detail } = refusal;
    const buttons = ways.map((way, at) => el('button', { type: 'button', class: at ? '' : 'main', 'data-way': way.action, on: { click: () => onWay(refusal, way) } }, say(way.key, timed(way.params, store))));
    if (!ways.length) buttons.push(el('button', { type: 'button', class: 'main', 'data-way': 'ok', on: { click: () => onWay(refusal, null) } }, say('banner.ok')));
    node.replaceChildren(el('p', {}, say(key, { detail, ...timed(params, store) })), el('div', {}, ...buttons));
  }

  function put(node, refusal) {
    const place = refusal.where;
    const box = place && rectOf(place);
    const [w, h] = [node.offsetWidth, node.offsetHeight];
    const middle = box ? box.left + box.width / 2 : innerWidth / 2;
    const left = Math.min(innerWidth - w - 8, Math.max(8, middle - w / 2));
    const below = box && box.bottom + 14 + h < innerHeight - 8;
    const top = box ? (below ? box.bottom + 14 : Math.max(8, box.top - h - 14)) : innerHeight - h - 96;
    attr(node, 'data-side', box ? (below ? 'below' : 'above') : 'none');
    node.style.setProperty('transform', `translate(${Math.round(left)}px,${Math.round(top)}px)`);
    node.style.setProperty('--at', `${Math.round(Math.min(w - 22, Math.max(22, middle - left)))}px`);
  }

  return {
    render({ refusals: all, base }) {
      const refusals = all.filter(({ restaurantId }) => restaurantId === base.restaurantId);
      keyed(layer, refusals, { key: (one) => one.id, facts: (one) => [one, spoken()], create, update });
      [...layer.children].forEach((node, at) => put(node, refusals[at]));
    },
  };
}

// The bar below the floor: who or what is selected, and everything that can be done with it.

/**
 * @param {Element} root
 * @param {{store, clock, press: (act) => void, open: (name, more) => void}} parts
 * @returns `{render}`
 */
export function createActionbar(root, { store, clock, press, open }) {
  let shown = [];
  let last = null; // what was selected
  let held = false;

  // Under a finger the bar stands still, or a press on a button that is drawn anew meanwhile would be none.
  root.addEventListener('pointerdown', () => { held = true; });
  for (const name of ['pointerup', 'pointercancel']) {
    window.addEventListener(name, () => { if (held) requestAnimationFrame(() => { held = false; render(store.get()); }); }, true);
  }
  root.addEventListener('keydown', (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const all = [...root.querySelectorAll('.btn')];
    const next = by && all[all.indexOf(document.activeElement) + by];
    if (next) next.focus();
  });

  function run({ key, act, needs }) {
    const { view, ui } = store.get();
    const { selection } = ui;
    const guestId = selection.kind === 'guest' ? selection.id : view.tables.get(selection.id).currentGuestId;
    const tableId = selection.kind === 'table' ? selection.id : null;
    if (needs === 'table') store.setUi({ picking: { key, guestId, tableId }, pane: 'floor' });
    else if (needs === 'count') open('arrived', { guestId }).then(clear);
    else if (needs === 'form' && key === 'walk_in') open('walkIn', { tableId }).then(clear);
    else if (needs === 'form') open(key, { guestId });
    else press(act).then(clear);
  }
  const clear = (done) => { if (done) store.setUi({ selection: null, picking: null }); };

  async function more(rest) {
    const key = await choose({ title: say('bar.more'), options: rest.map((way) => ({ label: words(way), value: way.key })) });
    const way = key && now().find((one) => one.key === key);
    if (way) run(way);
  }

  const now = () => {
    const { view, ui } = store.get();
    const ways = possible(view, ui.selection, clock.now()).sort((a, b) => Number(b.primary || false) - Number(a.primary || false));
    return withSizes(ways, view, ui.selection);
  };

  function render(state) {
    const { view, ui } = state;
    const entity = ui.selection && (ui.selection.kind === 'guest' ? view.guests : view.tables).get(ui.selection.id);
    document.documentElement.toggleAttribute('data-selected', Boolean(entity));
    if (held) return;
    const ways = entity ? now() : [];
    const head = entity ? headOf(view, ui, entity) : [];
    const facts = [entity && entity.id, ...head, ui.picking, spoken(), entity && root.clientWidth, ...ways.map((way) => words(way))];
    if (facts.length === shown.length && facts.every((fact, at) => fact === shown[at])) return;
    shown = facts;
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.do : null;
    root.replaceChildren(...(entity ? parts(ui, head, ways) : [el('p', { class: 'hint' }, say('bar.hint'))]));
    attr(root, 'role', entity ? 'toolbar' : null);
    attr(root, 'aria-label', entity ? say('bar.label', { name: entity.name || say('bar.table', { table: entity.tableNumber }) }) : null);
    if (entity && !ui.picking) shorten(ways);
    const again = focused && root.querySelector(`[data-do="${focused}"]`);
    if (again) again.focus();
    else if (focused && last) focusOn(last, view);
    last = ui.selection;
  }

  /** Whom or what the bar is about: its name, what stands below it, what stands in its disc, and whether that is a party's size. */
  function headOf(view, ui, entity) {
    const guest = guestOf(view, ui.selection);
    const table = ui.selection.kind === 'table' ? entity : guest.tableId && view.tables.get(guest.tableId);
    const head = guest ? guest.name : say('bar.table', { table: table.tableNumber });
    const free = guest && !table && guest.phase !== 'done';
    const sub = ui.picking ? say('bar.choose') : free ? say('bar.tap') : [guest && table && say('bar.table', { table: table.tableNumber }), !guest && say('bar.seats', { seats: table.capacity }), table && table.section].filter(Boolean).join(' · ');
    return [head, sub, String(guest ? guest.partySize : table.tableNumber), Boolean(guest)];
  }

  function parts(ui, [head, sub, disc, isParty], ways) {
    const clear = el('button', { type: 'button', class: 'btn icon', 'data-do': 'clear', 'aria-label': say('bar.clear'), on: { click: () => store.setUi(store.get().ui.picking ? { picking: null } : { selection: null }) } }, icon('close'));
    const buttons = ui.picking ? [] : ways.map((way) => el('button', { type: 'button', class: `btn${way.primary ? ' main' : ''}`, 'data-do': way.key, 'aria-label': way.short && words(way), on: { click: () => run(freshest(way)) } }, way.short || words(way)));
    return [el('span', { class: `size${isParty ? '' : ' square'}` }, disc), el('span', { class: 'what', role: 'status' }, el('b', { class: 'cut' }, head), el('small', { class: 'cut' }, sub)), ...buttons, el('span', { class: 'grow' }), clear];
  }

  /** The act as it would be now, where it still is what the button says: else the hub says what has changed. */
  function freshest(way) {
    return now().find((one) => one.key === way.key && words(one) === words(way)) || way;
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

/** Whoever works by keyboard goes on from the party's row, else from its table. */
function focusOn({ kind, id }, view) {
  const guest = kind === 'guest' ? view.guests.get(id) : null;
  const places = [`[data-${kind}="${CSS.escape(id)}"]`, guest && guest.tableId && `#plan [data-table="${CSS.escape(guest.tableId)}"]`].filter(Boolean);
  const found = [...document.querySelectorAll(places.join())].map((node) => (node.dataset.guest ? node.firstElementChild : node));
  const seen = found.find((node) => node.getClientRects().length);
  if (seen) seen.focus({ preventScroll: true });
}

function guestOf(view, selection) {
  if (!selection) return null;
  const id = selection.kind === 'guest' ? selection.id : (view.tables.get(selection.id) || {}).currentGuestId;
  return (id && view.guests.get(id)) || null;
}

function words({ key, params, words: other }) {
  return say(other || `do.${key}`, params);
}
