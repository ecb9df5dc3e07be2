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

/** An icon of icons.svg; it says nothing to a screen reader. */
export function icon(name, attributes = {}) {
  const href = new URL(`./icons.svg#${name}`, import.meta.url).href;
  return el('svg:svg', { class: 'icon', 'aria-hidden': 'true', ...attributes }, el('svg:use', { href }));
}

function same(a, b) {
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
  const active = document.activeElement;
  for (const item of items) {
    const id = key(item);
    const entry = before.get(id) || { node: create(item), facts: null };
    const next = facts(item);
    if (!entry.facts || !same(entry.facts, next)) update(entry.node, item);
    entry.facts = next;
    now.set(id, entry);
  }
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
  kept.set(parent, now);
  if (active && active !== document.activeElement && parent.contains(active)) active.focus({ preventScroll: true });
}

/** The node of a key in a parent that `keyed` filled, or undefined. */
export function nodeOf(parent, id) {
  return kept.get(parent)?.get(id)?.node;
}
