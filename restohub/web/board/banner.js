// What is wrong, said where staff look: the link to the hub in a line below the top, a refusal at its table or row.

import { attr, el, icon, keyed, text } from './keyed.js';
import { formats, knows, say, spoken } from './words.js';

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
  root.append(icon('warn'), what, rest, look);
  let seen = null; // the hub's time when the floor was last in step

  function render(state) {
    const { link, pending, restaurant } = state;
    if (link.live) seen = clock.now();
    const news = link.state !== 'live' && !(link.state === 'connecting' && seen === null && Date.now() - link.since < 1500);
    const [waits, held, conflicts] = [count(pending, 'waiting'), count(pending, 'held'), count(pending, 'conflict')];
    const decide = held + conflicts > 0;
    const shown = news || decide || state.storage === 'failed';
    attr(root, 'class', shown ? `shown ${link.state}` : null);
    attr(document.documentElement, 'data-stale', !link.live);
    const parts = [];
    if (news && !link.live && seen !== null && link.state !== 'catching_up') parts.push(say('banner.as_of', { time: formats(restaurant).time(seen) }));
    if (news && knows(`banner.${link.state}.way`)) parts.push(say(`banner.${link.state}.way`));
    if (waits) parts.push(say('banner.waits', { count: waits }));
    if (held) parts.push(say('banner.held', { count: held }));
    if (conflicts) parts.push(say('banner.conflicts', { count: conflicts }));
    if (state.storage === 'failed') parts.push(say('banner.storage'));
    text(what, shown && news ? say(`banner.${link.state}`) : '');
    text(rest, shown ? parts.join(' ') : '');
    text(look, say('banner.look'));
    attr(look, 'hidden', waits + held + conflicts === 0);
  }
  return { render };
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
          ...versions(conflict, time), el('span', { class: 'ways' }, ...ways.filter(Boolean)));
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
function versions(conflict, time) {
  if (!conflict) return [];
  const { mine, theirs } = conflict;
  if (!theirs) return [el('p', {}, say('banner.gone'))];
  const show = (value) => (Array.isArray(value) ? value.join(', ') : TIME.test(value) ? time.time(value) : value === null || value === undefined ? '–' : String(value));
  const fields = Object.keys(mine).filter((key) => JSON.stringify(mine[key]) !== JSON.stringify(theirs[key]) && knows(`field.${key}`));
  return fields.map((key) => el('p', {}, `${say(`field.${key}`)}: `, say('banner.yours', { text: show(mine[key]) }), ' · ', say('banner.others', { text: show(theirs[key]) })));
}

/** The times among the params as the restaurant writes them. */
function timed(params, store) {
  const { time } = formats(store.get().restaurant);
  return Object.fromEntries(Object.entries(params || {}).map(([name, value]) => [name, TIME.test(value) ? time(value) : value]));
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
    render({ refusals }) {
      keyed(layer, refusals, { key: (one) => one.id, facts: (one) => [one, spoken()], create, update });
      [...layer.children].forEach((node, at) => put(node, refusals[at]));
    },
  };
}
