// The floor plan: an SVG of tables, each drawn by its state. Structure says the state first, colour second.

import { bodyOf, chairPath, chairs, fit, grown, joined as joinBodies, outline, panels, reach, ring } from './shapes.js';
import { attr, el, fill, icon, keyed, nodeOf, same, text } from './keyed.js';
import { formats, say, spoken } from './words.js';
import { bestFit, fits, joined, marks, sections, stage, unsent as unsentKeys } from './choose.js';
import { panning } from './input.js';

const NONE = [];
const MARKS = { allergy: 'warn', vip: 'star', birthday: 'cake', high_chair: 'high' };

/** @returns {{name: string, minutes: number, over: number, share: number}} what a table is drawn as */
export function stateOf(table, guest, restaurant, now) {
  const plain = { minutes: 0, over: 0, share: 0 };
  if (guest && guest.phase === 'seated') {
    const { stage: turn, minutes, over = 0, turn: length } = stage(guest, restaurant, now);
    const name = { soon: 'soon', over: 'late' }[turn] || 'seat';
    return { name, minutes, over, share: length ? Math.min(100, Math.round((100 * minutes) / length)) : 0 };
  }
  if (guest) return { ...plain, name: 'held' };
  const known = { available: 'free', dirty: 'dirty', outOfService: 'oos', occupied: 'seat', reserved: 'held' };
  return { ...plain, name: known[table.status] || 'other' };
}

function short(text, width, size) {
  const room = Math.floor(width / (size * 0.56));
  return text.length <= room ? text : `${text.slice(0, Math.max(1, room - 1))}…`;
}

function shape(tag, body, attributes) {
  const [name, own] = outline(body);
  return el(`svg:${name}`, { ...own, ...attributes, class: `${tag}` });
}

function line(className, y, value, unit) {
  const node = el('svg:text', { class: className, y }, value);
  if (unit) node.append(el('svg:tspan', { class: 'u' }, ` ${unit}`));
  return node;
}

function badge(name, x, y, more = '') {
  const at = { x: -7, y: -7, width: 14, height: 14, class: more };
  return el('svg:g', { class: 'badge', transform: `translate(${x} ${y})` }, el('svg:circle', { r: 11 }), icon(name, at));
}

/** The lines of text in a table, by the room that its face has. */
function words(one) {
  const { table, guest, state, number, inner, time, names } = one;
  const large = number.length * 15 > inner - 8 ? 'num xs' : 'num';
  const small = inner < 66 ? ' xs' : ' s';
  if (state.name === 'free' || state.name === 'other') {
    const second = state.name === 'free' ? say('plan.seats', { seats: table.capacity }) : table.status;
    return inner < 66 ? [line(`${large} alone`, 8, number)] : [line(large, 3, number), line('cap', 21, short(second, inner, 14))];
  }
  if (state.name === 'held') return held(one);
  if (state.name === 'oos') return [line('num s', 7, number)];
  if (state.name === 'dirty') return [line(`num${small}`, 0, number), icon('broom', { x: -9, y: 3, width: 18, height: 18 })];
  if (!guest) return [line(`num${small}`, -2, number), line('cap', 16, say('plan.taken'))];
  const late = state.name === 'late';
  const minutes = late ? `+${time.number(state.over)}` : time.number(state.minutes);
  if (names) return [line('num xs', -4, `${number} · ${minutes}′`), line('who', 15, short(guest.name, inner - 10, 15))];
  if (state.minutes < 1) return [line(`num${small}`, -4, number), line(`min${small}`, 16, say('plan.now'))];
  const wide = inner >= 90;
  return [line(`num${small}`, wide ? -2 : -4, number), line(`min${small}`, wide ? 21 : 17, wide ? minutes : `${minutes}′`, wide && say('plan.min'))];
}

function held({ guest, number, inner, time }) {
  if (!guest) return [line('num', 8, number)];
  const at = guest.reservationTime ? time.short(guest.reservationTime) : '';
  const room = inner - (at ? 52 : 8);
  const who = room > 44 ? `${short(guest.name, room, 15)} ${at}`.trim() : at || short(guest.name, inner - 8, 15);
  return inner < 66 ? [line('num xs', -1, number), line('who', 16, who)] : [line('num', 0, number), line('who', 20, who)];
}

function seats({ table, guest, state, body }) {
  const party = guest && (state.name !== 'held' || guest.phase !== 'done') ? guest.partySize : 0;
  return chairs(body, table.capacity).map((chair, at) => el('svg:path', { class: at < party ? 'chair on' : 'chair', d: chairPath(chair) }));
}

/** What turns with the table: chairs, halo, face, hatch, ring. */
function turned(one) {
  const { state, body, rotation, chosen, best, fitting } = one;
  const parts = seats(one);
  if (chosen || best || fitting || one.refused) parts.push(shape('halo', grown(body, 12)));
  if (state.name === 'late') parts.push(shape('edge', grown(body, 4)));
  parts.push(shape('face', body));
  if (state.name === 'dirty') parts.push(shape('hatched', body, { fill: 'url(#hatch)' }));
  if (body.kind === 'booth') parts.push(el('svg:path', { class: 'back', d: `M${-body.w / 2} ${8 - body.h / 2}V${body.h / 2 - 8}` }));
  if ((state.name === 'seat' || state.name === 'soon') && one.guest) {
    const d = ring(body, one.inner < 54 ? 3 : 4.5);
    parts.push(el('svg:path', { class: 'track', d }), el('svg:path', { class: 'ring', d, pathLength: 100, 'stroke-dasharray': `${state.share} 200` }));
  }
  if (state.name === 'oos') {
    const [x, y] = [body.w * 0.34, body.h * 0.34];
    parts.push(el('svg:path', { class: 'cross', d: `M${-x} ${-y}L${x} ${y}M${x} ${-y}L${-x} ${y}` }));
  }
  parts.push(shape('focus', grown(body, 16)));
  return el('svg:g', { transform: rotation ? `rotate(${rotation})` : null }, ...parts);
}

function badges(one) {
  const { guest, state, half, unsent, best } = one;
  const [x, y] = [half.w - (one.body.kind === 'round' ? half.w * 0.16 : 4), 4 - half.h];
  const parts = [];
  if (state.name === 'held' && guest) parts.push(badge('flag', -x, y, 'flag'));
  const known = guest ? marks(guest).filter((mark) => MARKS[mark]) : [];
  known.slice(0, half.w > 60 ? 2 : 1).forEach((mark, at) => parts.push(badge(MARKS[mark], x - at * 25, y)));
  if (unsent) parts.push(badge('up', x, -y));
  if (best && one.tag) {
    const text = say('plan.best');
    const w = text.length * 7 + 18;
    parts.push(el('svg:g', { transform: `translate(0 ${one.tag})` }, el('svg:rect', { class: 'tag', x: -w / 2, y: -11, width: w, height: 22, rx: 11 }), el('svg:text', { y: 5 }, text)));
  }
  return parts;
}

function spokenState({ table, guest, state, time, best, unsent }) {
  const facts = guest ? { name: guest.name, size: guest.partySize, minutes: state.minutes, over: state.over } : {};
  let key = state.name;
  if (key === 'free') facts.seats = table.capacity;
  if (key === 'held') key = !guest ? 'held.unknown' : guest.reservationTime ? 'held.at' : 'held';
  if (key === 'held.at') facts.time = time.time(guest.reservationTime);
  if (key === 'seat' && !guest) key = 'taken';
  const said = [key === 'other' ? table.status : say(`plan.${key}`, facts)];
  if (guest) said.push(...marks(guest).filter((mark) => MARKS[mark]).map((mark) => say(`mark.${mark}`, { text: guest.dietaryRestrictions.join(', ') })));
  if (best) said.push(say('plan.best.long'));
  if (unsent) said.push(say('plan.unsent'));
  return said.join(', ');
}

function draw(node, one) {
  const { x, y, state, chosen, best, refused } = one;
  attr(node, 'class', ['table', state.name, one.inner < 54 && 'tiny', chosen && 'chosen', best && 'best', refused && 'refused'].filter(Boolean).join(' '));
  attr(node, 'transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  attr(node, 'aria-pressed', chosen ? 'true' : 'false');
  attr(node, 'aria-label', say('plan.table', { table: one.number, state: spokenState(one) }));
  fill(node, [turned(one), ...words(one), ...badges(one)]);
}

/** Which tables are drawn, where and how large; those that stand together once, as the first of them. */
function bodies(view, section) {
  const groups = joined(view);
  const aside = new Set([].concat(...groups.values()).map((table) => table.id));
  const shown = [...view.tables.values()].filter((table) => !aside.has(table.id) && (section === null || table.section === section));
  return shown.map((table) => ({
    id: table.id, table, others: groups.get(table.id) || NONE, x: table.position.x, y: table.position.y,
    body: bodyOf(table.shape, table.capacity), rotation: table.rotation || 0,
  }));
}

/** A table where the layout puts it. Tables that stand together are one body where they are beside each other. */
function placed(item, { at, shrink, width, height }) {
  const scaled = ({ kind, w, h }) => ({ kind, w: w * shrink, h: h * shrink });
  const here = at(item.x, item.y);
  if (!item.others.length) return { ...item, ...here, body: scaled(item.body) };
  const far = item.others.map((other) => ({ other, ...at(other.position.x, other.position.y) }))
    .map((one) => ({ ...one, apart: Math.hypot(one.x - here.x, one.y - here.y) })).sort((a, b) => b.apart - a.apart)[0];
  const alone = scaled(bodyOf(far.other.shape, far.other.capacity));
  if (far.apart > 190) {
    const body = scaled(bodyOf('rectangle', item.table.capacity));
    const half = reach(body, item.rotation);
    const inside = (value, room, size) => Math.max(room + 12, Math.min(size - room - 12, value));
    return { ...item, x: inside(here.x, half.w, width), y: inside(here.y, half.h, height), body };
  }
  const [dx, dy] = [far.x - here.x, far.y - here.y];
  const { body, rotation } = joinBodies(alone, alone, dx, dy);
  return { ...item, x: here.x + dx / 2, y: here.y + dy / 2, body, rotation };
}

const second = (ms) => Math.floor(ms / 1000);

/** What a placed table's number is, and half of the room that it takes, with its chairs and without. */
function spotOf(item) {
  const half = reach(item.body, item.rotation);
  return {
    ...item, number: [item.table, ...item.others].map((one) => one.tableNumber).join('+'),
    rw: half.w, rh: half.h, half: { w: half.w - 11, h: half.h - 11 }, inner: 2 * half.w - 22,
  };
}

function bySection(spots) {
  const groups = new Map();
  for (const one of spots) {
    const { section } = one.table;
    if (section && !groups.has(section)) groups.set(section, []);
    if (section) groups.get(section).push(one);
  }
  return groups;
}

/** @returns `{render, tableAt, rectOf, toFloor}`; `onPick(selection)` gets what was tapped, null for the background. */
export function createPlan(root, { store, clock, onPick }) {
  const rooms = el('svg:g', {});
  const tables = el('svg:g', {});
  const world = el('svg:g', {}, rooms, tables);
  const pattern = el('svg:pattern', { id: 'hatch', width: 9, height: 9, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' }, el('svg:rect', { class: 'hatching', width: 3.2, height: 9 }));
  root.append(el('svg:defs', {}, pattern), world);
  const hollow = el('p', { class: 'hollow', hidden: true });
  root.after(hollow);
  let key = '';
  let layout = null;
  let placing = {}; // what stands where, and of what that was made
  let drawn = new Map();
  let reached = null;
  let madeOf = []; // all that the last drawing was made of
  const size = { width: 0, height: 0 };
  const pan = panning(root, world, () => layout, () => { key = ''; render(store.get()); });

  new ResizeObserver(() => {
    const box = root.getBoundingClientRect();
    Object.assign(size, { width: box.width, height: box.height });
    key = '';
    if (store.get().view) render(store.get());
  }).observe(root);

  function arrange(items, edit) {
    const next = JSON.stringify([items.map(({ id, x, y, body, rotation, others }) => [id, x, y, body, rotation, others.map((one) => one.position)]), size, pan.zoom(), edit]);
    // In edit mode nothing moves but what is dragged: the first fit stays.
    if (next === key || (edit && layout && layout.edit && layout.size === `${size.width}×${size.height}`)) return;
    key = next;
    // A table's longer body is no reason to spread the floor: those that stand together count as they stood alone.
    const asides = [].concat(...items.map(({ others }) => others)).map((one) => ({ id: one.id, x: one.position.x, y: one.position.y, body: bodyOf(one.shape, one.capacity), rotation: one.rotation || 0 }));
    const alone = items.map((item) => (item.others.length ? { ...item, body: bodyOf(item.table.shape, item.table.capacity - item.others.reduce((sum, one) => sum + one.capacity, 0)) } : item));
    const corners = edit ? [[0, 0], [1, 1]].map(([x, y]) => ({ id: `corner${x}`, x, y, body: bodyOf('round', 2), rotation: 0, corner: true })) : [];
    layout = fit([...alone, ...asides, ...corners], size.width, size.height, pan.zoom());
    Object.assign(layout, { edit, size: `${size.width}×${size.height}` });
    pan.bound();
  }

  /** Where everything stands: made anew where a table, the section, the view's size or the zoom is another one. */
  function placement(view, { section, mode }) {
    const { tables: were, section: one, mode: how, layout: fitted } = placing;
    if (key && were === view.tables && one === section && how === mode && fitted === layout) return placing;
    const items = bodies(view, section);
    if (items.length) arrange(items, mode === 'edit');
    else [layout, key] = [null, ''];
    const spots = items.map((item) => spotOf(placed(item, layout)));
    placing = { tables: view.tables, section, mode, layout, spots, panels: layout ? panels(bySection(spots), layout.width, layout.height) : [] };
    return placing;
  }

  function models(state, spots) {
    const { view, restaurant, ui } = state;
    const now = clock.now();
    const time = formats(restaurant);
    const chosen = ui.selection && ui.selection.kind === 'guest' && view.guests.get(ui.selection.id);
    const seeking = chosen && chosen.phase !== 'seated' && chosen.phase !== 'done' && !chosen.tableId;
    const best = seeking ? bestFit(view, chosen) : null;
    const fitting = new Set(seeking ? fits(view, chosen).map((table) => table.id) : []);
    const unsent = unsentKeys(state);
    const refused = new Set(state.refusals.map(({ where }) => where && where.kind === 'table' && where.id));
    const made = spots.map((spot) => {
      const { table } = spot;
      const guest = (table.currentGuestId && view.guests.get(table.currentGuestId)) || null;
      return {
        ...spot, guest, time, state: stateOf(table, guest, restaurant, now), names: ui.names,
        chosen: picked(ui.selection, table, guest), best: best !== null && best.id === table.id,
        fitting: fitting.has(table.id), unsent: unsent.has(`table:${table.id}`), refused: refused.has(table.id),
      };
    });
    for (const one of made) if (one.best) one.tag = tagPlace(one, made);
    return made;
  }

  function render(state) {
    const view = state.ui.draft || state.view;
    if (!view || !size.width) return;
    const place = placement(view, state.ui);
    const { spots, panels: made } = place;
    const { ui, pending, refusals, restaurant } = state;
    const chosen = ui.selection && view.guests.get(ui.selection.id);
    const now = [second(clock.now()), place, ui, pending, refusals, restaurant, spoken(), chosen, ...spots.map(({ table }) => view.guests.get(table.currentGuestId))];
    if (same(now, madeOf)) return;
    madeOf = now;
    attr(hollow, 'hidden', spots.length > 0);
    if (!spots.length) text(hollow, say('plan.empty'));
    attr(root, 'aria-label', say('plan.floor'));
    const list = models({ ...state, view }, spots);
    drawn = new Map(list.map((one) => [one.id, one]));
    drawRooms(made, state, view);
    keyed(tables, list, { key: (one) => one.id, facts, create, update: draw });
    if (!drawn.has(reached) && list.length) rove(list[0].id);
  }

  function drawRooms(made, state, view) {
    const known = new Map(sections(view).map((section) => [section.name, section]));
    keyed(rooms, made, {
      key: (room) => room.name,
      facts: (room) => [room.left, room.right, room.top, room.bottom, label(known.get(room.name)), state.ui.section],
      create: (room) => el('svg:g', { class: 'room', 'data-section': room.name, role: 'button', tabindex: 0 }),
      update: (node, room) => drawRoom(node, room, known.get(room.name), state.ui.section === room.name),
    });
  }

  /** Of all tables one is reached by the Tab key, the others from it by arrows. */
  function rove(id) {
    const before = nodeOf(tables, reached);
    if (before) attr(before, 'tabindex', -1);
    attr(nodeOf(tables, id), 'tabindex', 0);
    reached = id;
  }

  function pick(node) {
    if (node && node.dataset.table) onPick({ kind: 'table', id: node.dataset.table });
    else if (node) store.setUi({ section: store.get().ui.section === node.dataset.section ? null : node.dataset.section });
    else onPick(null);
  }

  function step(from, dx, dy) {
    const here = drawn.get(from.dataset.table);
    const ahead = [...drawn.values()].map((one) => {
      const [along, across] = dx ? [(one.x - here.x) * dx, one.y - here.y] : [(one.y - here.y) * dy, one.x - here.x];
      return { one, along, cost: along + 2 * Math.abs(across) };
    }).filter(({ along }) => along > 4).sort((a, b) => a.cost - b.cost)[0];
    if (!ahead) return;
    const node = nodeOf(tables, ahead.one.id);
    rove(ahead.one.id);
    node.focus();
    pan.show(ahead.one);
  }

  root.addEventListener('click', (event) => {
    if (!pan.moved()) pick(event.target.closest('.table, .room .hit, .room text') && event.target.closest('.table, .room'));
  });
  root.addEventListener('keydown', (event) => {
    const node = event.target.closest('.table, .room');
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!node || !(arrow || event.key === 'Enter' || event.key === ' ')) return;
    event.preventDefault();
    if (!arrow) pick(node);
    else if (node.dataset.table) step(node, ...arrow);
  });

  return {
    render,
    /** The id of the table at a point of the screen, or null. */
    tableAt(clientX, clientY) {
      const { x, y } = pan.toWorld(clientX, clientY);
      const near = [...drawn.values()]
        .filter((one) => Math.abs(one.x - x) <= Math.max(26, one.half.w + 6) && Math.abs(one.y - y) <= Math.max(26, one.half.h + 6))
        .sort((a, b) => Math.hypot(a.x - x, a.y - y) - Math.hypot(b.x - x, b.y - y));
      return near.length ? near[0].id : null;
    },
    /** Where a table is on the screen, or null. */
    rectOf: (id) => nodeOf(tables, id)?.querySelector('.face')?.getBoundingClientRect() || null,
    /** A point of the screen as a position of the floor, the unit of `table.position`. */
    toFloor(clientX, clientY) {
      const { x, y } = pan.toWorld(clientX, clientY);
      return layout ? layout.back(x, y) : { x: 0.5, y: 0.5 };
    },
  };
}

/** Where "best fit" covers no neighbour: above its table, below it, or nowhere (then the halo says it). */
function tagPlace(one, all) {
  const away = one.half.h + 23;
  const isFree = (y) => all.every((other) => other === one || Math.abs(other.x - one.x) > other.half.w + 36 || Math.abs(other.y - one.y - y) > other.half.h + 12);
  return [-away, away].find((y) => one.y + y > 12 && isFree(y)) || 0;
}

function create(one) {
  return el('svg:g', { 'data-table': one.id, role: 'button', tabindex: -1 });
}

function facts(one) {
  const { table, number, guest, state, x, y, body, rotation, chosen, best, fitting, unsent, refused, names, time, tag } = one;
  return [table, number, tag, guest, state.name, state.minutes, state.over, state.share, x, y, body.w, body.h, rotation, chosen, best, fitting, unsent, refused, names, time, spoken()];
}

function picked(selection, table, guest) {
  if (!selection) return false;
  return selection.kind === 'table' ? selection.id === table.id : guest !== null && guest.id === selection.id;
}

function label(section) {
  return section ? [section.server || '', section.covers || ''].join(' ').trim() : '';
}

function drawRoom(node, room, section, chosen) {
  const [w, h] = [room.right - room.left, room.bottom - room.top];
  const beside = label(section);
  const stacked = w < 60 + (room.name.length + beside.length) * 8.5;
  const y = room.bottom - (stacked && beside ? 30 : 14);
  const x = room.left + 16;
  const name = el('svg:text', { x, y }, el('svg:tspan', { class: 'name' }, short(room.name, w - 24, 15)));
  if (beside) name.append(el('svg:tspan', stacked ? { x, dy: 18 } : { dx: 9 }, short(beside, w - 24, 15)));
  attr(node, 'aria-label', say('plan.section', { name: room.name, text: beside }));
  attr(node, 'aria-pressed', chosen ? 'true' : 'false');
  fill(node, [
    el('svg:rect', { class: 'panel', x: room.left, y: room.top, width: w, height: h, rx: 18 }),
    el('svg:rect', { class: 'hit', x: room.left, y: room.bottom - 48, width: Math.min(w, 220), height: 48, rx: 18 }), name,
  ]);
}
