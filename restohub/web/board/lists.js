// The lists beside the floor: waiting with what is due, booked by day, seated with the bar. One row a party.

import { attr, el, fill, icon, keyed, nodeOf, same, text } from './keyed.js';
import { formats, say, spoken } from './words.js';
import { booked, due, marks, seated, sections, stage, unsent as unsentKeys, waited, waiting } from './choose.js';
import { businessDay } from './hub.js';
import { tell } from './dialogs.js';

const TABS = ['waiting', 'booked', 'seated'];
const MARKS = { allergy: 'warn', vip: 'star', birthday: 'cake', high_chair: 'high' };
const DAY = 86400000;
const phone = matchMedia('(max-width:600px)');

/** @returns `{render, rectOf}`; `onPick(selection)` gets the party that was tapped, `open(name, more)` opens a dialog. */
export function createLists(root, { store, clock, onPick, open }) {
  const parts = skeleton(root);
  let held = false;
  const last = new Map();
  const madeOf = new Map(); // of what each list's rows were made
  const scrolled = new Set(); // the lists that do not stand at their top: to ask each would be to lay the page out

  function switchTo(tab) {
    store.setUi(tab === 'floor' ? { pane: 'floor' } : { tab, pane: 'lists' });
  }
  for (const [name, tab] of Object.entries(parts.tabs)) tab.addEventListener('click', () => switchTo(name));
  parts.find.addEventListener('click', () => open('search'));
  parts.add.addEventListener('click', () => open(store.get().ui.tab === 'booked' && !wide.matches ? 'reservation' : 'walkIn'));
  parts.reserve.addEventListener('click', () => open('reservation'));
  parts.before.addEventListener('click', () => turn(-1));
  parts.after.addEventListener('click', () => turn(1));
  parts.today.addEventListener('click', () => store.setUi({ day: null }));

  function turn(by) {
    const { ui, restaurant } = store.get();
    const today = businessDay(clock.now(), formats(restaurant).zone);
    const day = new Date(Date.parse(`${ui.day || today}T12:00:00Z`) + by * DAY).toISOString().slice(0, 10);
    store.setUi({ day: day === today ? null : day });
  }

  const wide = matchMedia('(min-width:1600px)');
  const spread = () => (wide.matches ? root.parentNode : root).insertBefore(parts.panels.booked, wide.matches ? null : parts.add);
  wide.addEventListener('change', () => { spread(); render(store.get()); });
  spread();

  // Under a finger the lists stand still: what it aims at must not move away. They catch up when it lifts.
  const lists = root.parentNode;
  lists.addEventListener('pointerdown', (event) => { held = Boolean(event.target.closest('.rows')); });
  for (const name of ['pointerup', 'pointercancel']) {
    window.addEventListener(name, () => {
      if (held) requestAnimationFrame(() => { held = false; render(store.get()); });
    }, true);
  }
  lists.addEventListener('click', (event) => {
    const row = event.target.closest('li[data-guest]');
    if (row && store.get().view.guests.has(row.dataset.guest)) onPick({ kind: 'guest', id: row.dataset.guest });
    else if (row) tell(say('lists.gone', { name: row.querySelector('.cut').textContent }));
    const section = event.target.closest('[data-filter]');
    if (section) store.setUi({ section: section.dataset.filter || null });
  });
  lists.addEventListener('keydown', (event) => walk(event));
  lists.addEventListener('scroll', ({ target }) => scrolled[target.scrollTop > 0 ? 'add' : 'delete'](target), { capture: true, passive: true });

  function show(rows, items, facts, rowOf) {
    const before = last.get(rows) || [];
    const now = new Map(items.map((item) => [item.guest.id, item]));
    const shown = held ? before.map((item) => now.get(item.guest.id) || item) : items;
    last.set(rows, shown);
    const isAnother = before.length !== shown.length || shown.some((item, at) => item.guest.id !== before[at].guest.id);
    const list = rows.closest('.list');
    const write = () => keyed(rows, shown, {
      key: (item) => item.guest.id,
      facts: (item) => [item.guest, item.chosen, item.unsent, item.refused, spoken(), ...facts(item)],
      create: (item) => el('li', { 'data-guest': item.guest.id }, el('button', { type: 'button' })),
      update(node, item) {
        const button = node.firstElementChild;
        attr(button, 'aria-pressed', item.chosen ? 'true' : 'false');
        const { name, children, label, share } = rowOf(item);
        attr(button, 'class', `${name}${item.refused ? ' refused' : ''}`);
        attr(button, 'aria-label', label);
        fill(button, children);
        if (share !== undefined) button.style.setProperty('--p', `${share}%`);
      },
    });
    if (isAnother && scrolled.has(list)) steady(list, write);
    else write();
  }

  function render(state) {
    const { view, restaurant, ui } = state;
    if (!view) return;
    const time = formats(restaurant);
    const now = clock.now();
    const unsent = unsentKeys(state);
    const refused = new Set(state.refusals.map(({ where }) => where && where.kind === 'guest' && where.id));
    const item = (guest) => ({
      guest, time, table: guest.tableId ? view.tables.get(guest.tableId) : null, unsent: unsent.has(`guest:${guest.id}`), refused: refused.has(guest.id),
      chosen: isChosen(ui.selection, guest),
    });
    // A large screen has what is booked beside it: there a party that is due has one row, not two.
    const expected = wide.matches ? { late: [], due: [] } : due(view, now, time.zone);
    const here = ({ table }) => ui.section === null || Boolean(table && table.section === ui.section);
    const day = ui.day || businessDay(now, time.zone);
    const lists = { waiting: waiting(view), booked: booked(view, day, time.zone), seated: seated(view) };
    const common = [Math.floor(now / 1000), view.tables, ui, state.pending, state.refusals, restaurant, spoken(), wide.matches, held];
    /** Rows are made anew only where one of their parties, or what all rows are made of, is another one. */
    const rowsOf = (name, guests, make, facts, rowOf, isHere = () => true) => {
      const madeNow = [...common, ...guests];
      if (same(madeNow, madeOf.get(name) || [])) return;
      madeOf.set(name, madeNow);
      show(parts.rows[name], guests.map(item).filter(isHere).map((one) => ({ ...one, ...make(one.guest) })), facts, rowOf);
    };
    const counts = { waiting: lists.waiting.length, booked: lists.booked.length, seated: lists.seated.length };
    chrome(parts, { ui, counts, day, time, sections: sections(view), wide: wide.matches });
    const late = (guest) => ({ late: lateBy(guest, now) });
    const dueFacts = (one) => [one.late, one.table, one.time];
    rowsOf('waiting', lists.waiting, (guest) => ({ minutes: waited(guest, now).minutes }), (one) => [one.minutes, one.table], waitRow);
    rowsOf('due', expected.late.concat(expected.due), late, dueFacts, dueRow);
    rowsOf('booked', lists.booked, late, dueFacts, dueRow, (one) => ui.section === null || here(one));
    const turn = (guest) => ({ turn: stage(guest, restaurant, now) });
    const facts = (one) => [one.turn.stage, one.turn.minutes, one.turn.over, one.table];
    rowsOf('seated', lists.seated, turn, facts, seatRow, (one) => one.table && here(one));
    rowsOf('bar', lists.seated, turn, facts, seatRow, (one) => ui.section === null && !one.table);
    attr(parts.heads.due, 'hidden', parts.rows.due.childElementCount === 0);
    for (const name of ['bar', 'tables']) attr(parts.heads[name], 'hidden', parts.rows.bar.childElementCount === 0);
    for (const name of TABS) attr(parts.none[name], 'hidden', parts.panels[name].querySelector('li[data-guest]') !== null);
  }

  return {
    render,
    /** Where a party's row is on the screen, or null. */
    rectOf(id) {
      for (const rows of Object.values(parts.rows)) {
        const box = nodeOf(rows, id)?.getBoundingClientRect();
        if (box && box.height) return box;
      }
      return null;
    },
  };
}

function isChosen(selection, guest) {
  if (!selection) return false;
  return selection.kind === 'guest' ? selection.id === guest.id : Boolean(guest.tableId) && selection.id === guest.tableId;
}

function lateBy(guest, now) {
  if (!guest.reservationTime || guest.phase !== 'expected') return 0;
  return Math.max(0, Math.floor((now - Date.parse(guest.reservationTime)) / 60000));
}

/** Rows that come and go above what is in view do not move it. */
function steady(list, change) {
  const top = list.scrollTop;
  const first = top > 0 && [...list.querySelectorAll('li')].find((row) => row.offsetTop + row.offsetHeight > top);
  const was = first ? first.offsetTop : 0;
  change();
  if (first && first.isConnected && first.offsetTop !== was) list.scrollTop = top + first.offsetTop - was;
}

function walk(event) {
  const by = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const tab = event.target.closest('[role=tab]');
  const upright = event.key === 'ArrowDown' || event.key === 'ArrowUp';
  if (!by || upright === Boolean(tab)) return;
  const all = tab ? [...tab.parentNode.children] : [...(event.target.closest('.list')?.querySelectorAll('li > button') || [])];
  const next = all[all.indexOf(event.target) + by];
  if (!next || next.hidden) return;
  event.preventDefault();
  next.focus();
  if (tab) next.click();
}

// ---- Rows

function nameLine({ guest, unsent }, small) {
  const known = marks(guest);
  const visits = known.includes('visits') && guest.totalVisits > 0;
  return el('span', { class: small ? 'nm small' : 'nm' }, el('span', { class: 'cut' }, guest.name),
    ...known.filter((mark) => MARKS[mark]).map((mark) => icon(MARKS[mark], { class: 'mk' })),
    visits && el('span', { class: 'visits' }, say('lists.visit', { count: guest.totalVisits + 1 })), unsent && icon('up', { class: 'mk' }));
}

function told(item, ...more) {
  const { guest } = item;
  const said = [say('lists.party', { name: guest.name, count: guest.partySize })];
  said.push(...marks(guest).filter((mark) => MARKS[mark]).map((mark) => say(`mark.${mark}`, { text: guest.dietaryRestrictions.join(', ') })));
  if (guest.totalVisits > 0) said.push(say('lists.visits', { count: guest.totalVisits }));
  if (item.unsent) said.push(say('lists.unsent'));
  return [...said, ...more].filter(Boolean).join(', ');
}

function chip(name, text) {
  return el('span', { class: 'chip' }, icon(name), text);
}

function clockOf(main, small, over) {
  const big = over ? el('b', { class: 'over' }, icon('warn'), main) : el('b', {}, main, el('i', {}, ` ${say('lists.min')}`));
  return el('span', { class: 'clock' }, big, el('small', {}, small));
}

function waitRow(item) {
  const { guest, minutes, time, table } = item;
  const quote = guest.quotedWait === undefined ? null : guest.quotedWait;
  const over = quote !== null && minutes > quote;
  const chips = [];
  if (guest.status === 'notified') chips.push(chip('bell', say('lists.notified', { time: time.short(guest.notifiedTime || guest.lastUpdated) })));
  if (guest.status === 'partially_arrived') chips.push(chip('half', guest.arrivedCount ? say('lists.arrived', { count: guest.arrivedCount, size: guest.partySize }) : say('lists.part')));
  if (guest.status === 'arrived') chips.push(chip('tick', say('lists.here')));
  if (table) chips.push(chip('flag', say('lists.holds', { table: table.tableNumber })));
  const booking = guest.reservationTime && say('lists.booking', { time: time.short(guest.reservationTime) });
  const note = guest.notes || guest.specialRequests;
  const sub = el('span', { class: 'sub' }, ...chips, el('span', { class: 'cut' }, [booking, note].filter(Boolean).join(' · ')));
  const small = quote === null ? say('lists.unquoted') : say(over ? 'lists.over' : 'lists.of', { minutes, quote });
  const main = over ? `+${time.number(minutes - quote)}` : time.number(minutes);
  return {
    name: `row${over ? ' late' : ''}`,
    share: quote ? Math.min(100, Math.round((100 * minutes) / quote)) : 0,
    children: [el('span', { class: 'size' }, time.number(guest.partySize)), el('span', { class: 'party' }, nameLine(item), sub), clockOf(main, small, over), el('span', { class: 'quote' })],
    label: told(item, `${minutes} ${say('lists.min')}`, small, ...chips.map((one) => one.textContent), booking, note),
  };
}

function dueRow(item) {
  const { guest, time, late, table } = item;
  const holds = table && say(guest.phase === 'seated' ? 'lists.table' : 'lists.holds', { table: table.tableNumber });
  const how = late ? [icon('warn'), say('lists.late', { minutes: time.number(late) })] : guest.status === 'running_late' ? [say('lists.running_late')] : [];
  const right = el('span', { class: 'side' }, how.length > 0 && el('span', { class: late ? 'late' : '' }, ...how), holds && el('span', {}, holds));
  const at = guest.reservationTime || guest.createdAt;
  return {
    name: 'due',
    children: [el('span', { class: 't' }, time.short(at)), el('span', { class: 'size sm' }, time.number(guest.partySize)), nameLine(item, true), right],
    label: told(item, time.time(at), ...[...right.children].map((one) => one.textContent)),
  };
}

function seatRow(item) {
  const { guest, turn, time, table } = item;
  const over = turn.stage === 'over';
  const place = table ? [say('lists.table', { table: table.tableNumber }), table.section].filter(Boolean).join(' · ') : say('lists.bar');
  const small = turn.turn ? say('lists.turn', { minutes: time.number(turn.turn) }) : say('lists.since', { time: time.time(guest.seatedTime) });
  const main = over ? `+${time.number(turn.over)}` : time.number(turn.minutes);
  return {
    name: `row${over ? ' late' : ''}`,
    share: turn.turn ? Math.min(100, Math.round((100 * turn.minutes) / turn.turn)) : 0,
    children: [el('span', { class: 'size' }, time.number(guest.partySize)), el('span', { class: 'party' }, nameLine(item), el('span', { class: 'sub' }, place)), clockOf(main, small, over), el('span', { class: 'quote' })],
    label: told(item, place, `${turn.minutes} ${say('lists.min')}`, small),
  };
}

// ---- What stands around the rows

function skeleton(root) {
  const parts = { tabs: {}, panels: {}, rows: {}, heads: {}, none: {} };
  const rows = (name) => { parts.rows[name] = el('ol', { class: 'rows', 'data-rows': name }); return parts.rows[name]; };
  const head = (name) => { parts.heads[name] = el('h2', {}); return parts.heads[name]; };
  const panel = (name, ...children) => {
    parts.none[name] = el('p', { class: 'none' });
    parts.panels[name] = el('section', { class: 'list', id: `list-${name}`, 'data-list': name, role: 'tabpanel', 'aria-labelledby': `tab-${name}` }, parts.none[name], ...children);
    return parts.panels[name];
  };
  const set = el('div', { class: 'tabset', role: 'tablist' });
  for (const name of ['floor', ...TABS]) {
    parts.tabs[name] = el('button', { type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': name === 'floor' ? 'plan' : `list-${name}` }, el('span', {}), el('b', {}));
    set.append(parts.tabs[name]);
  }
  parts.set = set;
  parts.find = el('button', { type: 'button', class: 'find' }, icon('search'));
  parts.before = el('button', { type: 'button' }, icon('back'));
  parts.today = el('button', { type: 'button', class: 'day' });
  parts.after = el('button', { type: 'button' }, icon('on'));
  parts.filter = el('div', { class: 'filter', role: 'group', hidden: true });
  parts.reserve = el('button', { type: 'button', class: 'add reserve' }, icon('plus'), el('span', {}));
  parts.add = el('button', { type: 'button', class: 'add' }, icon('plus'), el('span', {}));
  root.append(
    el('div', { class: 'tabs' }, set, parts.find), parts.filter,
    panel('waiting', rows('waiting'), head('due'), rows('due')),
    panel('booked', el('h2', { class: 'wide' }), el('div', { class: 'days' }, parts.before, parts.today, parts.after), rows('booked'), parts.reserve),
    panel('seated', head('bar'), rows('bar'), head('tables'), rows('seated')), parts.add,
  );
  return parts;
}

function chrome(parts, { ui, counts, day, time, sections: all, wide }) {
  const tab = wide && ui.tab === 'booked' ? 'waiting' : ui.tab;
  attr(parts.set, 'aria-label', say('lists.tabs'));
  for (const name of ['floor', ...TABS]) {
    const node = parts.tabs[name];
    text(node.firstElementChild, say(`lists.${name}`));
    text(node.lastElementChild, name === 'floor' ? '' : time.number(counts[name]));
    attr(node, 'aria-selected', String(name === (phone.matches && ui.pane === 'floor' ? 'floor' : tab)));
    attr(node, 'hidden', wide && name === 'booked');
    if (name === 'floor') continue;
    attr(parts.panels[name], 'hidden', name !== tab && !(wide && name === 'booked'));
    text(parts.none[name], say(`lists.none.${name}`));
  }
  attr(parts.find, 'aria-label', say('lists.find'));
  attr(parts.before, 'aria-label', say('lists.before'));
  attr(parts.after, 'aria-label', say('lists.after'));
  text(parts.today, ui.day ? time.day(day) : say('lists.today'));
  text(parts.panels.booked.querySelector('h2'), say('lists.booked'));
  text(parts.heads.due, say('lists.due'));
  text(parts.heads.bar, say('lists.bar'));
  text(parts.heads.tables, say('lists.tables'));
  text(parts.add.lastElementChild, say(tab === 'booked' ? 'lists.reserve' : 'lists.add'));
  text(parts.reserve.lastElementChild, say('lists.reserve'));
  attr(parts.reserve, 'hidden', !wide);
  filter(parts.filter, all, ui, tab);
}

function filter(root, all, ui, tab) {
  attr(root, 'hidden', all.length < 2 || (tab === 'waiting' && ui.section === null));
  attr(root, 'aria-label', say('lists.section'));
  keyed(root, [{ name: '' }, ...all], {
    key: (section) => section.name,
    facts: (section) => [(ui.section || '') === section.name, spoken()],
    create: (section) => el('button', { type: 'button', 'data-filter': section.name }),
    update(node, section) {
      node.textContent = section.name || say('lists.all');
      attr(node, 'aria-pressed', String((ui.section || '') === section.name));
    },
  });
}
