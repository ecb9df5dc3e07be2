"""This file is how changes are laid on a floor: after-images replace, removals remove."""

from __future__ import annotations

from itertools import islice

from restohub.limits import REMOVALS_MAX

from .nouns import Directory, Entry, Floor, Guest, Removal, Restaurant, Table


def apply(floor: Floor, entry: Entry) -> Floor:
    """The floor after the commit. Copying is right at the size of a floor: 0.5 µs for 200 guests, 30 for 5,000."""
    guests, tables, removals = floor.guests, floor.tables, floor.removals
    removals_since = floor.removals_since
    for change in entry.changes:
        if change.kind == "guest":
            guests = dict(guests) if guests is floor.guests else guests
        else:
            tables = dict(tables) if tables is floor.tables else tables
        if change.entity is None:
            removals = dict(removals) if removals is floor.removals else removals
        match change.entity:
            case Guest() as guest:
                guests[guest.id] = guest
            case Table() as table:
                tables[table.id] = table
            case _:
                (guests if change.kind == "guest" else tables).pop(change.id, None)
                gone = Removal(change.kind, change.id, entry.revision, entry.time, change.visit)
                removals[change.kind, change.id] = gone
    surplus = len(removals) - REMOVALS_MAX
    for key in list(islice(removals, surplus)) if surplus > 0 else ():
        removals_since = removals.pop(key).revision
    return Floor(
        restaurant_id=floor.restaurant_id,
        revision=entry.revision,
        time=entry.time,
        guests=guests,
        tables=tables,
        removals=removals,
        removals_since=removals_since,
    )


def apply_directory(directory: Directory, entry: Entry) -> Directory:
    """The directory after the commit."""
    restaurants, last_id = dict(directory.restaurants), directory.last_id
    for change in entry.changes:
        number = int(change.id)
        last_id = max(last_id, number)
        if isinstance(change.entity, Restaurant):
            restaurants[number] = change.entity
        else:
            restaurants.pop(number, None)
    return Directory(revision=entry.revision, time=entry.time, restaurants=restaurants, last_id=last_id)
