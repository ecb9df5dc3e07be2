// The line at the top: which restaurant, whether the floor is in step, covers, the hub's time, undo, the menu.

import { attr, el, icon, keyed, text } from './keyed.js';
import { chooseLanguage, formats, languages, say, spoken } from './words.js';
import { covers, seated, waiting } from './choose.js';
import { undoable } from './undo.js';

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
  root.append(name, el('span', { class: 'pick' }, pick, icon('down')), live, el('span', { class: 'grow' }), pace,
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
    if (restaurant) document.title = say('top.title', { name: restaurant.name });
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
  const waits = pending.filter(({ state }) => state === 'waiting').length;
  const words = link.live ? say('top.live') : link.state === 'connecting' || link.state === 'catching_up' ? say('top.connecting') : say('top.behind', { time: behind(link.since) });
  node.classList.toggle('off', !link.live);
  text(node.lastElementChild, waits ? `${words} · ${say('top.waits', { count: waits })}` : words);
}

function renderPace(node, bars, quarters, format) {
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
  const { ui } = store.get();
  const close = (then) => () => { dialog.close(); then(); };
  const entry = (key, then) => el('button', { type: 'button', 'data-menu': key, on: { click: close(then) } }, say(`top.${key}`));
  const names = el('button', { type: 'button', role: 'switch', 'data-menu': 'names', 'aria-checked': String(ui.names), on: { click: () => {
    store.setUi({ names: !store.get().ui.names });
    attr(names, 'aria-checked', String(store.get().ui.names));
  } } }, say('top.names'), el('span', { class: 'switch' }));
  const choice = (label, options, chosen, choose) => el('fieldset', {}, el('legend', {}, label), ...options.map(([value, words]) => el('label', {},
    el('input', { type: 'radio', name: label, value, checked: value === chosen, on: { change: () => choose(value) } }), el('span', {}, words))));
  const dialog = el('dialog', { class: 'menu', 'aria-label': say('top.menu') },
    entry('search', () => open('search')), entry('edit', () => open('edit')), entry('night', () => open('night')),
    entry('print', () => open('print')), el('a', { href: '/?view=queue', 'data-menu': 'queue' }, say('top.queue')), el('hr'), names,
    choice(say('top.theme'), THEMES.map((theme) => [theme, say(`top.theme.${theme}`)]), ui.theme, (theme) => store.setUi({ theme })),
    choice(say('top.language'), Object.entries(languages), spoken(), async (language) => { await chooseLanguage(language); store.setUi({ language }); dialog.close(); }),
    el('hr'), el('a', { href: '/about', 'data-menu': 'about' }, say('top.about')));
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  document.getElementById('dialogs').append(dialog);
  dialog.showModal();
}
