"""Where new tables are put that come without a place."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from restohub.floor.model import Position
from restohub.floor.table_places import GRID_SIDE, Places

anywhere = st.builds(Position, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))


def rows_of(count: int) -> list[Position]:
    places: list[Position] = []
    kept = Places([])
    for _ in range(count):
        places.append(kept.next_free())
        kept.move(None, places[-1])
    return places


def test_the_first_tables_fill_the_grid_row_by_row() -> None:
    places = rows_of(GRID_SIDE + 1)
    assert len({place.y for place in places[:GRID_SIDE]}) == 1
    assert [place.x for place in places[:GRID_SIDE]] == sorted({place.x for place in places[:GRID_SIDE]})
    assert (places[GRID_SIDE].x, places[GRID_SIDE].y > places[0].y) == (places[0].x, True)


def test_a_thousand_tables_each_have_a_place_of_their_own_on_the_floor() -> None:
    places = rows_of(1000)
    assert len({(place.x, place.y) for place in places}) == 1000
    assert all(0 < place.x < 1 and 0 < place.y < 1 for place in places)


@settings(derandomize=True, deadline=None)
@given(taken=st.lists(anywhere, max_size=30))
def test_a_new_table_never_stands_where_another_does(taken: list[Position]) -> None:
    place = Places(taken).next_free()
    assert place not in taken
    assert (0 < place.x < 1, 0 < place.y < 1) == (True, True)
