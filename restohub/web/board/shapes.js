// Pure geometry: how large a table is drawn, where its chairs stand, and how a floor fits a screen.

const CHAIR = 11; // how far chairs reach out of a body
const GAP = 6;
const TOUCH = 18; // px that the chairs of neighbours may share

/** @typedef {{kind: 'round'|'square'|'rectangle'|'oval'|'booth', w: number, h: number}} Body */

function step(capacity, sizes) {
  return sizes[Math.min(sizes.length - 1, Math.max(0, Math.ceil(capacity / 2) - 1))];
}

/**
 * The body of a table. An unknown shape is round.
 * @returns {Body}
 */
export function bodyOf(shape, capacity) {
  const seats = Math.max(1, capacity || 1);
  if (shape === 'square') return box('square', step(seats, [58, 70, 84, 98]), step(seats, [58, 70, 84, 98]));
  if (shape === 'rectangle') return box('rectangle', step(seats, [98, 110, 140, 172, 210]), seats > 6 ? 70 : 66);
  if (shape === 'oval') return box('oval', step(seats, [84, 100, 136, 160]), step(seats, [62, 68, 72, 78]));
  if (shape === 'booth') return box('booth', 98, step(seats, [66, 78, 98, 116]));
  const d = step(seats, [58, 72, 90, 106]);
  return box('round', d, d);
}

function box(kind, w, h) {
  return { kind, w, h };
}

/** A body `by` pixels larger on each side (smaller, where negative). */
export function grown({ kind, w, h }, by) {
  return { kind, w: w + 2 * by, h: h + 2 * by };
}

/** The SVG element that draws a body, and its attributes. */
export function outline({ kind, w, h }) {
  if (kind === 'round') return ['circle', { r: w / 2 }];
  if (kind === 'oval') return ['ellipse', { rx: w / 2, ry: h / 2 }];
  const rx = Math.min(14, h / 5);
  return ['rect', { x: -w / 2, y: -h / 2, width: w, height: h, rx }];
}

/** A closed line inside a body, from the middle of its top clockwise: the ring of the turn. */
export function ring(body, inset = 4.5) {
  const { kind, w, h } = grown(body, -inset);
  const x = w / 2;
  const y = h / 2;
  if (kind === 'round' || kind === 'oval') return `M0 ${-y}A${x} ${y} 0 1 1 0 ${y}A${x} ${y} 0 1 1 0 ${-y}`;
  const r = 8;
  const arc = (toX, toY) => `A${r} ${r} 0 0 1 ${toX} ${toY}`;
  return `M0 ${-y}H${x - r}${arc(x, r - y)}V${y - r}${arc(x - r, y)}H${r - x}${arc(-x, y - r)}V${r - y}${arc(r - x, -y)}Z`;
}

/**
 * Where chairs stand around a body that is not turned.
 * @returns {Array<{x: number, y: number, angle: number}>}
 */
export function chairs(body, count) {
  const { kind, w, h } = body;
  const seats = Math.min(count, 24);
  if (kind === 'round' || kind === 'oval') {
    return Array.from({ length: seats }, (_, i) => around(w / 2 + 7, h / 2 + 7, (i / seats) * 2 * Math.PI + (seats === 2 ? Math.PI / 2 : 0)));
  }
  if (kind === 'booth') return sides(w, h, seats, 0, 7);
  if (kind === 'square') return square(w, seats);
  return sides(w, h, seats, seats > 6 ? 2 : 0, 0);
}

/** The outline of a chair: as a path that is turned already, since each transform of an SVG is a layer's work in a browser. */
export function chairPath({ x, y, angle }, w = 15, h = 5) {
  const [sin, cos] = [Math.sin((angle * Math.PI) / 180), Math.cos((angle * Math.PI) / 180)];
  const [r, half] = [h / 2, (w - h) / 2];
  const at = (dx, dy) => `${(x + dx * cos - dy * sin).toFixed(2)} ${(y + dx * sin + dy * cos).toFixed(2)}`;
  return `M${at(-half, -r)}L${at(half, -r)}A${r} ${r} 0 0 1 ${at(half, r)}L${at(-half, r)}A${r} ${r} 0 0 1 ${at(-half, -r)}Z`;
}

function around(rx, ry, angle) {
  const x = rx * Math.sin(angle);
  const y = -ry * Math.cos(angle);
  // A chair faces along the edge, which on an ellipse is not the direction of the centre.
  return { x, y, angle: (Math.atan2(x / (rx * rx), -y / (ry * ry)) * 180) / Math.PI };
}

function square(w, seats) {
  const d = w / 2 + 7;
  if (seats <= 2) return [[0, -d, 0], [0, d, 0]].slice(0, seats).map(([x, y, angle]) => ({ x, y, angle }));
  return Array.from({ length: seats }, (_, i) => {
    const side = i % 4;
    const row = Math.ceil((seats - side) / 4);
    const along = ((Math.floor(i / 4) + 0.5) / row - 0.5) * w * 0.8;
    return [{ x: along, y: -d, angle: 0 }, { x: d, y: along, angle: 90 }, { x: along, y: d, angle: 0 }, { x: -d, y: along, angle: 90 }][side];
  });
}

function sides(w, h, seats, ends, shift) {
  const made = [];
  const along = seats - ends;
  for (let i = 0; i < along; i += 1) {
    const row = i % 2 ? Math.floor(along / 2) : Math.ceil(along / 2);
    const x = ((Math.floor(i / 2) + 0.5) / row - 0.5) * (w - 2 * shift - 8) + shift;
    made.push({ x, y: (i % 2 ? 1 : -1) * (h / 2 + 7), angle: 0 });
  }
  for (let i = 0; i < ends; i += 1) made.push({ x: (i ? 1 : -1) * (w / 2 + 7), y: 0, angle: 90 });
  return made;
}

/** Half of the room that a turned body takes with its chairs. */
export function reach({ kind, w, h }, rotation = 0, scale = 1) {
  const turn = ((rotation || 0) * Math.PI) / 180;
  const [sin, cos] = [Math.abs(Math.sin(turn)), Math.abs(Math.cos(turn))];
  const [a, b] = [(w * scale) / 2 + CHAIR, (h * scale) / 2 + CHAIR];
  if (kind === 'round') return { w: a, h: b };
  if (kind === 'oval') return { w: Math.hypot(a * cos, b * sin), h: Math.hypot(a * sin, b * cos) };
  return { w: a * cos + b * sin, h: a * sin + b * cos };
}

/** One body for two tables that stand together: from the outer edge of one to the outer edge of the other. */
export function joined(a, b, dx, dy) {
  const apart = Math.hypot(dx, dy);
  const angle = apart ? (Math.atan2(dy, dx) * 180) / Math.PI : 0;
  const w = Math.min(260, Math.max(98, apart + (Math.min(a.w, a.h) + Math.min(b.w, b.h)) / 2));
  const upright = angle > 90 ? angle - 180 : angle <= -90 ? angle + 180 : angle;
  const straight = Math.round(upright / 90) * 90; // nearly straight is meant straight
  return { body: box('rectangle', w, 66), rotation: Math.abs(upright - straight) < 20 ? straight : upright };
}

/** One axis: the largest scale and the offset with which every centre keeps its reach within the size. */
function axis(items, size, low, high) {
  const values = items.map((item) => item.at);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  let scale = max > min ? (size * 0.88) / (max - min) : 0;
  for (const a of items) {
    for (const b of items) {
      const apart = b.at - a.at;
      if (apart > 0) scale = Math.min(scale, Math.max(0, size - low - high - a.reach - b.reach) / apart);
    }
  }
  const from = Math.max(...items.map((item) => low + item.reach - (item.at - min) * scale));
  const to = Math.min(...items.map((item) => size - high - item.reach - (item.at - min) * scale));
  return { scale, min, offset: (from + to) / 2 };
}

/** Whether some stand too close. A corner of the floor is no table: nothing is too close to it. */
function crowded(placed) {
  const tables = placed.filter(({ corner }) => !corner);
  return tables.some((a, at) => tables.slice(at + 1).some((b) => {
    const [dx, dy] = [Math.abs(a.px - b.px), Math.abs(a.py - b.py)];
    if (a.x === b.x && a.y === b.y) return false; // nothing parts two that stand on one spot
    if (Math.hypot(dx, dy) < 56) return true;
    if (a.body.kind === 'round' && b.body.kind === 'round') return Math.hypot(dx, dy) < a.rw + b.rw - TOUCH;
    return dx < a.rw + b.rw - TOUCH && dy < a.rh + b.rh - TOUCH;
  }));
}

function place(items, width, height, shrink) {
  const sized = items.map((item) => ({ ...item, reach: reach(item.body, item.rotation, shrink) }));
  const x = axis(sized.map((item) => ({ at: item.x, reach: item.reach.w })), width, 20, 20);
  const y = axis(sized.map((item) => ({ at: item.y, reach: item.reach.h })), height, 20, 56);
  const at = (px, py) => ({ x: x.offset + (px - x.min) * x.scale, y: y.offset + (py - y.min) * y.scale });
  const back = (px, py) => ({ x: x.min + (px - x.offset) / (x.scale || width), y: y.min + (py - y.offset) / (y.scale || height) });
  const placed = sized.map((item) => {
    const point = at(item.x, item.y);
    return { ...item, px: point.x, py: point.y, rw: item.reach.w, rh: item.reach.h };
  });
  return { placed, at, back };
}

/**
 * Fit tables into a view: their bounding box and 6 %, every body whole. Where they would stand too close, bodies shrink
 * to 48 px, and then the world grows larger than the view, which pans.
 * @param {Array<{id: string, x: number, y: number, body: Body, rotation: number, corner?: boolean}>} items
 * @returns {{width: number, height: number, shrink: number, places: Map<string, {x: number, y: number, rw: number, rh: number}>,
 *   at: (x, y) => {x, y}, back: (px, py) => {x, y}}} `at` turns a position into pixels of the world, `back` is its inverse
 */
export function fit(items, width, height, zoom = 1) {
  let shrink = 1;
  const steps = [1.3, 1.15, 1, 0.96, 0.92, 0.88, 0.83].map((by) => [by, 1, 1]);
  // One axis alone where that is enough: a finger then moves the floor one way only.
  for (let by = 1.1; by <= 4; by += 0.15) steps.push([0.83, 1, by], [0.83, by, 1], [0.83, by, by]);
  const [, byX, byY] = steps.find((one) => { shrink = one[0]; return !crowded(place(items, width * one[1], height * one[2], shrink).placed); }) || steps[steps.length - 1];
  const [w, h] = [width * byX * zoom, height * byY * zoom];
  const { placed, at, back } = place(items, w, h, shrink);
  const places = new Map(placed.map(({ id, px, py, rw, rh }) => [id, { x: px, y: py, rw, rh }]));
  return { width: w, height: h, shrink, places, at, back };
}

/**
 * A panel behind the tables of each section, grown to the middle of the gaps so that panels tile the room.
 * @param {Map<string, Array<{x: number, y: number, rw: number, rh: number}>>} sections
 */
export function panels(sections, width, height) {
  const made = [...sections].map(([name, places]) => ({
    name,
    left: Math.min(...places.map((p) => p.x - p.rw)) - 8, right: Math.max(...places.map((p) => p.x + p.rw)) + 8,
    top: Math.min(...places.map((p) => p.y - p.rh)) - 8, bottom: Math.max(...places.map((p) => p.y + p.rh)) + 34,
    // How far its tables reach: the room for a section's name puts no section beside another one.
    across: [Math.min(...places.map((p) => p.x - p.rw)), Math.max(...places.map((p) => p.x + p.rw))],
    down: [Math.min(...places.map((p) => p.y - p.rh)), Math.max(...places.map((p) => p.y + p.rh))],
  }));
  grow(made, 'left', 'right', 'down', width);
  grow(made, 'top', 'bottom', 'across', height);
  return made.map(({ across, down, ...panel }) => panel);
}

function grow(made, low, high, crosswise, size) {
  const sides = made.map((one) => {
    const beside = made.filter((two) => two !== one && two[crosswise][0] < one[crosswise][1] && one[crosswise][0] < two[crosswise][1]);
    const before = beside.filter((two) => two[high] + two[low] < one[high] + one[low]).map((two) => two[high]);
    const after = beside.filter((two) => two[high] + two[low] > one[high] + one[low]).map((two) => two[low]);
    return [
      before.length ? (Math.max(...before) + one[low] + GAP + 2) / 2 : 8,
      after.length ? (Math.min(...after) + one[high] - GAP - 2) / 2 : size - 8,
    ];
  });
  made.forEach((one, at) => {
    [one[low], one[high]] = sides[at];
  });
  // Edges that nearly meet in one line do.
  for (const [side, inner] of [[low, Math.max], [high, Math.min]]) {
    const edges = made.map((one) => one[side]);
    for (const one of made) one[side] = inner(...edges.filter((edge) => Math.abs(edge - one[side]) <= 10));
  }
}
