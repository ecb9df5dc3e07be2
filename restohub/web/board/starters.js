// Three floors to start from. Each table is [section, number, shape, capacity, x, y].

const BISTRO = [
  ["window", 1, "booth", 4, 0.06, 0.08], ["window", 2, "booth", 4, 0.06, 0.46], ["window", 3, "booth", 4, 0.06, 0.84],
  ["room", 10, "round", 2, 0.34, 0.07], ["room", 11, "round", 2, 0.62, 0.07], ["room", 12, "square", 4, 0.34, 0.34],
  ["room", 13, "round", 4, 0.62, 0.34], ["room", 14, "round", 4, 0.34, 0.62], ["room", 15, "square", 4, 0.62, 0.62],
  ["room", 16, "rectangle", 6, 0.48, 0.91], ["terrace", 20, "round", 2, 0.92, 0.14], ["terrace", 21, "oval", 4, 0.92, 0.62],
];
const DINING = [
  ...[0.05, 0.28, 0.5, 0.72, 0.95].map((y, at) => ["window", at + 1, "booth", at === 4 ? 6 : 4, 0.05, y]),
  ["room", 10, "round", 2, 0.26, 0.04], ["room", 11, "round", 2, 0.43, 0.04], ["room", 12, "round", 2, 0.6, 0.04],
  ["room", 13, "square", 4, 0.26, 0.26], ["room", 14, "round", 4, 0.43, 0.26], ["room", 15, "square", 4, 0.6, 0.26],
  ["room", 16, "round", 4, 0.26, 0.49], ["room", 17, "round", 6, 0.43, 0.49], ["room", 18, "round", 4, 0.6, 0.49],
  ["room", 19, "square", 4, 0.26, 0.72], ["room", 20, "round", 4, 0.43, 0.72], ["room", 21, "square", 4, 0.6, 0.72],
  ["room", 22, "rectangle", 6, 0.29, 0.95], ["room", 23, "rectangle", 8, 0.56, 0.95],
  ["bar", 30, "round", 2, 0.8, 0.03], ["bar", 31, "round", 2, 0.95, 0.03], ["bar", 32, "round", 2, 0.8, 0.2], ["bar", 33, "round", 2, 0.95, 0.2],
  ["terrace", 40, "round", 4, 0.8, 0.45], ["terrace", 41, "round", 4, 0.95, 0.45], ["terrace", 42, "square", 4, 0.8, 0.62],
  ["terrace", 43, "square", 4, 0.95, 0.62], ["terrace", 44, "round", 4, 0.8, 0.79], ["terrace", 45, "round", 4, 0.95, 0.79],
  ["terrace", 46, "oval", 6, 0.875, 0.97],
];

export const STARTERS = { bistro: BISTRO, dining: DINING, empty: [] };

/**
 * @param {"bistro"|"dining"|"empty"} kind
 * @param {(section: string) => string} named what a section is called
 * @returns {object[]} operations of one batch. The hub makes the ids: a table that was deleted keeps its own for ever.
 */
export function starter(kind, named) {
  return STARTERS[kind].map(([section, number, shape, capacity, x, y]) => ({
    entity_type: "table", action: "create",
    data: { tableNumber: String(number), capacity, minCapacity: capacity > 4 ? capacity - 3 : 1, shape, section: named(section), position: { x, y } },
  }));
}
