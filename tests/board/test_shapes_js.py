"""The plan's geometry: five shapes, any rotation, any position, one table and a hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.board.js_modules import module_page

Run = Callable[[str], Any]

VIEWS = [(804, 684), (688, 624), (768, 400), (390, 560), (1080, 940)]
TABLES = """const tables = (count, across, shape = 'round', seats = 4) => Array.from({length: count}, (_, i) => ({
    id: String(i), x: (i % across) / across, y: Math.floor(i / across) / across,
    body: m.bodyOf(shape, seats), rotation: 0}));"""


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs an expression in a browser, with `m` the module shapes.js."""
    with module_page() as page:
        yield lambda body: page.evaluate(f"async () => {{ const m = await import('/shapes.js'); {TABLES} {body} }}")


def test_each_shape_has_its_own_body_and_grows_with_its_seats(run: Run) -> None:
    found = run(
        """return Object.fromEntries(['round', 'square', 'rectangle', 'oval', 'booth'].map((shape) =>
        [shape, [2, 4, 6, 8].map((seats) => { const {kind, w, h} = m.bodyOf(shape, seats); return [kind, w, h]; })]))"""
    )
    assert [[w for _, w, _ in found["round"]], {kind for kind, _, _ in found["round"]}] == [
        [58, 72, 90, 106],
        {"round"},
    ]
    for shape, bodies in found.items():
        assert {kind for kind, _, _ in bodies} == {shape}
        areas = [w * h for _, w, h in bodies]
        assert areas == sorted(areas)
        assert all(min(w, h) >= 58 for _, w, h in bodies)


def test_an_unknown_shape_is_round_and_a_table_without_seats_is_one(run: Run) -> None:
    body = run("return [m.bodyOf('hexagon', 4), m.bodyOf(null, 0), m.bodyOf('square', undefined)]")
    assert [(one["kind"], one["w"]) for one in body] == [("round", 72), ("round", 58), ("square", 58)]


@pytest.mark.parametrize("shape", ["round", "square", "rectangle", "oval", "booth"])
def test_every_seat_has_a_chair_outside_of_the_body(run: Run, shape: str) -> None:
    found = run(
        f"""return [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24].map((seats) => {{ const body = m.bodyOf('{shape}', seats);
        return {{seats, w: body.w, h: body.h, chairs: m.chairs(body, seats)}}; }})"""
    )
    for one in found:
        assert len(one["chairs"]) == one["seats"]
        places = {(round(chair["x"]), round(chair["y"])) for chair in one["chairs"]}
        assert len(places) == one["seats"]
        for chair in one["chairs"]:
            x, y = abs(chair["x"]) / (one["w"] / 2), abs(chair["y"]) / (one["h"] / 2)
            assert (x * x + y * y if shape in ("round", "oval") else max(x, y)) > 1


def test_a_turn_changes_the_room_that_a_body_takes(run: Run) -> None:
    found = run(
        """const r = m.bodyOf('rectangle', 8);
        const round = ({w, h}) => [Math.round(w), Math.round(h)];
        return [0, 90, 45, -90, 720, null].map((turn) => round(m.reach(r, turn)))"""
    )
    straight, upright, slanted, back, twice, none = found
    assert straight == twice == none == upright[::-1] == back[::-1]
    assert upright[0] < slanted[0] <= straight[0] + 10
    assert run("const o = m.bodyOf('round', 4); return m.reach(o, 30).w === m.reach(o, 0).w") is True


def _inside(fitted: dict[str, Any]) -> bool:
    return all(
        place["x"] - place["rw"] >= 0
        and place["x"] + place["rw"] <= fitted["width"] + 0.01
        and place["y"] - place["rh"] >= 0
        and place["y"] + place["rh"] <= fitted["height"] + 0.01
        for place in fitted["places"]
    )


FIT = "const show = (f) => ({width: f.width, height: f.height, shrink: f.shrink, places: [...f.places.values()]});"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("count", [1, 2, 12, 30, 100])
def test_every_body_is_whole_and_none_stands_on_another(run: Run, count: int, view: tuple[int, int]) -> None:
    fitted = run(f"{FIT} return show(m.fit(tables({count}, Math.ceil(Math.sqrt({count}))), {view[0]}, {view[1]}))")
    assert len(fitted["places"]) == count
    assert _inside(fitted)
    assert 72 * fitted["shrink"] >= 48
    places = fitted["places"]
    nearest = min(
        ((a["x"] - b["x"]) ** 2 + (a["y"] - b["y"]) ** 2) ** 0.5
        for a in places
        for b in places
        if a is not b or count == 1
    )
    assert count == 1 or nearest >= 56, "one alone has nobody near"


def test_a_floor_that_is_too_full_is_larger_than_its_view(run: Run) -> None:
    small, large = run(f"{FIT} return [show(m.fit(tables(4, 2), 390, 560)), show(m.fit(tables(100, 10), 390, 560))]")
    assert (small["width"], small["height"]) == (390, 560)
    assert large["width"] > 390
    assert large["height"] > 560


def test_points_outside_of_the_unit_square_are_fitted(run: Run) -> None:
    fitted = run(
        f"""{FIT} const far = [[-3, 7], [1000, 7], [-3, -2000], [0.5, 0.5]].map(([x, y], i) =>
        ({{id: String(i), x, y, body: m.bodyOf('booth', 6), rotation: 33}})); return show(m.fit(far, 804, 684))"""
    )
    assert _inside(fitted)


def test_tables_on_one_spot_do_not_blow_up_the_floor(run: Run) -> None:
    fitted = run(
        f"{FIT} const all = tables(6, 3); all[1].x = all[0].x; all[1].y = all[0].y; return show(m.fit(all, 804, 684))"
    )
    assert (fitted["width"], fitted["height"]) == (804, 684)


def test_a_point_of_the_screen_is_a_position_again(run: Run) -> None:
    found = run(
        """const f = m.fit(tables(9, 3), 804, 684); const one = m.fit(tables(1, 1), 804, 684);
        const p = f.at(0.21, 0.37);
        return [f.back(p.x, p.y), Number.isFinite(one.back(10, 10).x)]"""
    )
    assert [round(found[0]["x"], 9), round(found[0]["y"], 9), found[1]] == [0.21, 0.37, True]


def test_panels_hold_their_tables_and_do_not_overlap(run: Run) -> None:
    found = run(
        """const f = m.fit(tables(16, 4), 804, 684); const sections = new Map();
        for (const [id, place] of f.places) {
          const name = (Number(id) % 4 < 2 ? 'left' : 'right') + (id < 8 ? ' top' : ' low');
          sections.set(name, [...(sections.get(name) || []), place]);
        }
        return m.panels(sections, f.width, f.height).map((one) => ({...one, places: sections.get(one.name)}))"""
    )
    assert len(found) == 4
    for one in found:
        for place in one["places"]:
            assert one["left"] <= place["x"] - place["rw"]
            assert place["y"] + place["rh"] <= one["bottom"]
    for one in found:
        for other in found:
            apart = (
                one["right"] <= other["left"]
                or other["right"] <= one["left"]
                or one["bottom"] <= other["top"]
                or other["bottom"] <= one["top"]
            )
            assert one is other or apart
