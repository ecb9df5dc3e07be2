// How a floor that is larger than its view is moved: by one finger on its background, by two, by wheel, by buttons.

import { el, icon, attr } from './keyed.js';
import { say } from './words.js';

const MOVED = 8; // px before a press is no tap any more

/** Moves `world` inside `root`. `layout()` is what is shown, `changed()` is called where the zoom is another one. */
export function panning(root, world, layout, changed) {
  const at = { x: 0, y: 0, zoom: 1 };
  const fingers = new Map();
  let start = null;
  let moved = false;
  const button = (name, act) => el('button', { type: 'button', on: { click: act } }, icon(name));
  const closer = button('plus', () => zoomTo(at.zoom * 1.3));
  const further = button('minus', () => zoomTo(at.zoom / 1.3));
  const whole = button('fit', () => zoomTo(1));
  const tools = el('div', { class: 'zoom', hidden: true }, closer, further, whole);
  root.after(tools);

  function bound() {
    const { width, height } = layout() || { width: 0, height: 0 };
    const [w, h] = [root.clientWidth, root.clientHeight];
    at.x = width > w ? Math.min(0, Math.max(w - width, at.x)) : (w - width) / 2;
    // Beyond its end the floor may be moved by the height of the buttons: what they cover can be seen.
    at.y = height > h ? Math.min(0, Math.max(h - height - 60, at.y)) : (h - height) / 2;
    attr(world, 'transform', `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`);
    attr(tools, 'hidden', width <= w + 1 && height <= h + 1 && at.zoom === 1);
    attr(closer, 'aria-label', say('plan.in'));
    attr(further, 'aria-label', say('plan.out'));
    attr(whole, 'aria-label', say('plan.whole'));
  }

  function zoomTo(zoom, x = root.clientWidth / 2, y = root.clientHeight / 2) {
    const before = at.zoom;
    at.zoom = Math.min(3, Math.max(0.4, zoom));
    const by = at.zoom / before;
    Object.assign(at, { x: x - (x - at.x) * by, y: y - (y - at.y) * by });
    if (by !== 1) changed();
    bound();
  }

  function inside({ clientX, clientY }) {
    const box = root.getBoundingClientRect();
    return { x: clientX - box.left, y: clientY - box.top };
  }

  function spread() {
    const [a, b] = [...fingers.values()];
    return b ? { d: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 } : { d: 0, x: a.x, y: a.y };
  }

  root.addEventListener('pointerdown', (event) => {
    if (fingers.size === 0) moved = false;
    if (event.target.closest('.table') && fingers.size === 0) return;
    fingers.set(event.pointerId, inside(event));
    start = { ...spread(), at: { ...at } };
  });
  root.addEventListener('pointermove', (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, inside(event));
    const now = spread();
    if (!moved && Math.hypot(now.x - start.x, now.y - start.y) < MOVED && Math.abs(now.d - start.d) < MOVED) return;
    if (!moved) capture(event.pointerId);
    moved = true;
    if (start.d && now.d) zoomTo(start.at.zoom * (now.d / start.d), now.x, now.y);
    else Object.assign(at, { x: start.at.x + now.x - start.x, y: start.at.y + now.y - start.y });
    bound();
  });
  const end = (event) => {
    fingers.delete(event.pointerId);
    if (fingers.size) start = { ...spread(), at: { ...at } };
  };
  for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) root.addEventListener(name, end);
  root.addEventListener('wheel', (event) => {
    if (tools.hidden && !event.ctrlKey) return;
    event.preventDefault();
    if (event.ctrlKey) zoomTo(at.zoom * Math.exp(-event.deltaY / 200), inside(event).x, inside(event).y);
    else Object.assign(at, { x: at.x - event.deltaX, y: at.y - event.deltaY });
    bound();
  }, { passive: false });

  function capture(pointerId) {
    try {
      root.setPointerCapture(pointerId);
    } catch (gone) { /* a pointer that a script made, or that has ended meanwhile */ }
  }

  return {
    bound,
    zoom: () => at.zoom,
    /** Whether the last press moved the floor, and was no tap. */
    moved() {
      const was = moved;
      moved = false;
      return was;
    },
    toWorld(clientX, clientY) {
      const { x, y } = inside({ clientX, clientY });
      return { x: x - at.x, y: y - at.y };
    },
    /** Move so that a place of the world is in view. */
    show({ x, y }) {
      const edge = 80;
      at.x += Math.max(0, edge - (x + at.x)) - Math.max(0, x + at.x - root.clientWidth + edge);
      at.y += Math.max(0, edge - (y + at.y)) - Math.max(0, y + at.y - root.clientHeight + edge);
      bound();
    },
  };
}
