// Keyed nodes: one node an item for as long as the item is there; a node is written only where its facts changed.

const SVG = 'http://www.w3.org/2000/svg';
const kept = new WeakMap();

/** Make an element: `el('button', {class: 'row', on: {click}}, ...children)`; `svg:circle` makes one of SVG. */
export function el(name, attributes = {}, ...children) {
  const node = name.startsWith('svg:') ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'on') for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else attr(node, key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Set an attribute where it differs; null and false take it away. */
export function attr(node, key, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(key)) node.removeAttribute(key);
  } else {
    const text = value === true ? '' : String(value);
    if (node.getAttribute(key) !== text) node.setAttribute(key, text);
  }
}

/** Set a node's text where it differs: a selection in an unchanged text stays. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

/** The icons, in a box of 16 units (the broom of 20): a path each, since a `use` is a tree and a file of its own wherever it is drawn. */
const ICONS = {
  star: 'M8 1.2l2 4.5 4.8.5-3.6 3.3 1 4.8L8 11.8l-4.2 2.5 1-4.8L1.2 6.2 6 5.7z',
  cake: 'M2 14.5V9.2A1.7 1.7 0 013.7 7.5h8.6A1.7 1.7 0 0114 9.2v5.3zM7.2 6.5V4.3h1.6v2.2zM8 .8c1 1.2 1.3 1.7 1.3 2.1a1.3 1.3 0 01-2.6 0C6.7 2.5 7 2 8 .8z',
  high: 'M4.6 1h1.5v5H12v2.6h-1.2l1 6.4h-1.5l-.5-3.2H6.5L6 15H4.5l1-6.4H4.6zM7 8.6l-.3 1.9h2.9l-.3-1.9z',
  flag: 'M3 1h1.5v14H3zM5.2 1.8H13.5L11.2 5.2 13.5 8.6H5.2z',
  broom: 'M13.9 1.5l1.7 1.1-4.4 6.6 2 1.4c.6.4.7 1.1.4 1.7l-1 1.7-6.2-4.1 1.2-1.5c.4-.5 1.2-.6 1.7-.2l.4.3zM5.6 11l6 4c-1.6 2.4-5.2 3.7-8.6 3.2l.9-1.5-1.8.2.9-1.6-1.5.3C3.4 14.6 4.6 12.9 5.6 11z',
  bell: 'M8 1a4.5 4.5 0 014.5 4.5c0 3 .6 4.2 1.5 5.3H2c.9-1.1 1.5-2.3 1.5-5.3A4.5 4.5 0 018 1zM6.2 12.3h3.6a1.8 1.8 0 01-3.6 0z',
  half: 'M8 1.5a6.5 6.5 0 110 13 6.5 6.5 0 010-13zm0 1.6v9.8a4.9 4.9 0 000-9.8z',
  warn: 'M8 1L15.5 14.5H.5zM7.1 5.5v4.7h1.8V5.5zm0 5.8v1.8h1.8v-1.8z',
  plus: 'M7 2h2v5h5v2H9v5H7V9H2V7h5z',
  undo: 'M6.2 2L2 6.2l4.2 4.2 1.2-1.2L5.3 7h4.2a2.8 2.8 0 010 5.7H6.5v1.7h3a4.5 4.5 0 000-9.1H5.3l2.1-2.1z',
  search: 'M7 1.5a5.5 5.5 0 014.4 8.8l3.3 3.3-1.2 1.2-3.3-3.3A5.5 5.5 0 117 1.5zm0 1.7a3.8 3.8 0 100 7.6 3.8 3.8 0 000-7.6z',
  tick: 'M6.4 12.9L1.8 8.3 3 7l3.4 3.4L13 3.8l1.2 1.3z',
  up: 'M8 2l4.5 4.7-1.2 1.2-2.4-2.5V14H7.1V5.4L4.7 7.9 3.5 6.7z',
  more: 'M2 8a1.5 1.5 0 113 0 1.5 1.5 0 01-3 0zm4.5 0a1.5 1.5 0 113 0 1.5 1.5 0 01-3 0zM11 8a1.5 1.5 0 113 0 1.5 1.5 0 01-3 0z',
  down: 'M2.5 5.9L3.9 4.5 8 8.6l4.1-4.1 1.4 1.4L8 11.4z',
  back: 'M10.1 2.5l1.4 1.4L7.4 8l4.1 4.1-1.4 1.4L4.6 8z',
  on: 'M5.9 2.5L4.5 3.9 8.6 8l-4.1 4.1 1.4 1.4L11.4 8z',
  close: 'M3.7 2.3L8 6.6l4.3-4.3 1.4 1.4L9.4 8l4.3 4.3-1.4 1.4L8 9.4l-4.3 4.3-1.4-1.4L6.6 8 2.3 3.7z',
  lock: 'M4 7V5a4 4 0 018 0v2h1.2v7.5H2.8V7zm1.7 0h4.6V5a2.3 2.3 0 00-4.6 0z',
  minus: 'M2 7h12v2H2z',
  fit: 'M2 2h5v1.7H3.7V7H2zm7 0h5v5h-1.7V3.7H9zM2 9h1.7v3.3H7V14H2zm10.3 0H14v5H9v-1.7h3.3z',
  link: 'M6 4.5H4.5a3.5 3.5 0 000 7H6V9.8H4.5a1.8 1.8 0 010-3.6H6zm4 0h1.5a3.5 3.5 0 010 7H10V9.8h1.5a1.8 1.8 0 000-3.6H10zM5.5 7.2h5v1.6h-5z',
};
// Of these what is drawn twice is a hole.
const HOLED = ['high', 'half', 'warn', 'search', 'lock'];

/** An icon by its name; it says nothing to a screen reader. */
export function icon(name, attributes = {}) {
  const viewBox = name === 'broom' ? '0 0 20 20' : '0 0 16 16';
  return el('svg:svg', { class: 'icon', 'aria-hidden': 'true', 'data-icon': name, viewBox, ...attributes },
    el('svg:path', { d: ICONS[name], 'fill-rule': HOLED.includes(name) ? 'evenodd' : null }));
}

/**
 * Make these a node's children, written only where they differ: what stays as it was is neither laid out nor painted
 * anew. They are drawn for this alone and have no listeners.
 */
export function fill(node, children) {
  let was = node.firstChild;
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    const next = typeof child === 'object' ? child : document.createTextNode(child);
    const after = was && was.nextSibling;
    if (!was) node.append(next);
    else if (!become(was, next)) node.replaceChild(next, was);
    was = after;
  }
  while (was) {
    const after = was.nextSibling;
    was.remove();
    was = after;
  }
}

function become(was, next) {
  if (was.nodeName !== next.nodeName) return false;
  if (was.nodeType === Node.TEXT_NODE) {
    if (was.data !== next.data) was.data = next.data;
    return true;
  }
  for (const { name } of [...was.attributes]) if (!next.hasAttribute(name)) was.removeAttribute(name);
  for (const { name, value } of next.attributes) attr(was, name, value);
  fill(was, [...next.childNodes]);
  return true;
}

/** Whether two lists hold the same, one by one. */
export function same(a, b) {
  return a.length === b.length && a.every((fact, at) => Object.is(fact, b[at]));
}

/**
 * Bring the children of `parent` in line with `items`.
 * @param {Element} parent
 * @param {Array} items
 * @param {{key: (item) => string, facts: (item) => Array, create: (item) => Element, update: (node, item) => void}} how
 *   `update` runs after `create` and whenever one of the item's facts is another one than before
 */
export function keyed(parent, items, { key, facts, create, update }) {
  const before = kept.get(parent) || new Map();
  const now = new Map();
  for (const item of items) {
    const id = key(item);
    const entry = before.get(id) || { node: create(item), facts: null };
    const next = facts(item);
    if (!entry.facts || !same(entry.facts, next)) update(entry.node, item);
    entry.facts = next;
    now.set(id, entry);
  }
  kept.set(parent, now);
  if (same([...before.keys()], [...now.keys()])) return;
  const active = document.activeElement;
  for (const [id, entry] of before) if (!now.has(id)) entry.node.remove();
  let at = parent.firstElementChild;
  for (const { node } of now.values()) {
    if (node === at) at = at.nextElementSibling;
    // One that moved down leaves its place: step over it rather than move all that follow it.
    else if (at && at.nextElementSibling === node) {
      parent.append(at);
      at = node.nextElementSibling;
    } else parent.insertBefore(node, at);
  }
  if (active && active !== document.activeElement && parent.contains(active)) active.focus({ preventScroll: true });
}

/** The node of a key in a parent that `keyed` filled, or undefined. */
export function nodeOf(parent, id) {
  return kept.get(parent)?.get(id)?.node;
}
