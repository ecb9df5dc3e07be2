// How changes are laid on a floor: after-images replace, deletes remove. A floor is never changed in place.

/**
 * @typedef {Object} Floor
 * @property {number} restaurantId
 * @property {string|null} epoch
 * @property {number} revision
 * @property {Map<string, object>} guests
 * @property {Map<string, object>} tables
 */

/** @returns {Floor} A floor of which nothing is known yet. */
export function emptyFloor(restaurantId) {
  return { restaurantId, epoch: null, revision: 0, guests: new Map(), tables: new Map() };
}

/** @returns {"guests"|"tables"} Where a floor keeps this kind of entity. */
export const kept = (entityType) => (entityType === "guest" ? "guests" : "tables");

/**
 * The whole floor in the place of what is held. An entity that stayed as it was stays the same object, so that nothing
 * drawn from it is drawn again: within an epoch a version means one content.
 * @param {Floor} before
 * @param {{epoch: string, revision: number, guests: object[], tables: object[]}} whole
 * @returns {Floor}
 */
export function replaceFloor(before, whole) {
  const keep = before.epoch === whole.epoch;
  const gathered = (had, list) => {
    const map = new Map();
    for (const entity of list) {
      const old = keep ? had.get(entity.id) : undefined;
      map.set(entity.id, old && old.version === entity.version ? old : entity);
    }
    return map;
  };
  return {
    restaurantId: before.restaurantId,
    epoch: whole.epoch,
    revision: whole.revision,
    guests: gathered(before.guests, whole.guests),
    tables: gathered(before.tables, whole.tables),
  };
}

/**
 * The floor after these changes. `data` is the whole entity, so that to apply a change twice does no harm.
 * @param {Floor} floor
 * @param {{entity_type: string, entity_id: string, action: string, data: object|null}[]} changes
 * @param {number} [revision]
 * @returns {Floor}
 */
export function applyChanges(floor, changes, revision = floor.revision) {
  const after = { ...floor, revision };
  for (const { entity_type, entity_id, action, data } of changes) {
    const place = kept(entity_type);
    if (after[place] === floor[place]) after[place] = new Map(floor[place]);
    if (action === "delete") {
      after[place].delete(entity_id);
      continue;
    }
    const old = after[place].get(entity_id);
    if (!old || old.version !== data.version) after[place].set(entity_id, data);
  }
  return after;
}
