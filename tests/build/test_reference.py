"""Whether the served pages are true: everything is there, and every example is what its type says."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest

from restohub.build.reference.descriptions import CLOSES, HAPPENS
from restohub.build.reference.examples import CLIENT_MESSAGES
from restohub.build.reference.markup import json_block, laid_out
from restohub.build.reference.message_sections import message_structs
from restohub.build.reference.schema_tables import fields_of, structs_in, type_name
from restohub.floor.model import GUEST_STATUSES, TABLE_STATUSES
from restohub.web.package_files import documents
from restohub.web.route import Route
from restohub.web.routes import ROUTES
from restohub.web.routing import EVERY_ROUTE
from restohub.wire import error_codes, messages, problems, socket_state
from restohub.wire.entities import Guest, Restaurant, Table
from restohub.wire.inputs import GuestInput
from tests.conftest import Hub, next_message
from tests.faults.disk_fault_checks import stuff
from tests.fields import CONTRACT
from tests.house.source_tree import PACKAGE, ROOT, TESTS

PAGES = ("/about", "/docs", "/docs/errors", *(f"/docs/{name}" for name in documents()))
EXAMPLE = re.compile(r'<pre class="json" data-is="([^"]+)"[^>]*><code>(.*?)</code></pre>', re.DOTALL)
HOSTILE = "<script>alert('Da \"Carlo\" & figli')</script>"

BODIES: dict[str, Any] = {
    type_name(body): body for one in ROUTES for body in (one.body, *one.answers.values()) if body is not None
}
STRUCTS: tuple[type[msgspec.Struct], ...] = (*message_structs(), Guest, Table, Restaurant, problems.ProblemDocument)
TYPES: dict[str, Any] = {**BODIES, **{one.__name__: one for one in STRUCTS}}
SENT = {type_name(one.body) for one in ROUTES if one.body is not None}
NAMED = set(get_args(messages.NamedType))


@pytest.fixture(scope="module")
def docs(hub: Hub) -> str:
    """The reference."""
    return httpx.get(hub.url + "/docs", timeout=20).text


@pytest.fixture(scope="module")
def errors(hub: Hub) -> str:
    """The page of errors."""
    return httpx.get(hub.url + "/docs/errors", timeout=20).text


def examples(page: str) -> list[tuple[str, str]]:
    """Each example of a page: the name of its type, and its JSON text."""
    return [(name, unescape(re.sub(r"<[^>]+>", "", html))) for name, html in EXAMPLE.findall(page)]


def article(page: str, target: str) -> str:
    """The part of a page from the element with this id to the next article or section."""
    part = page[page.index(f'id="{target}"') :]
    return part[: re.search(r"</article>|</section>|<h4 id=", part[10:]).start() + 10]  # type: ignore[union-attr]  # without an end the test fails


def plain(html: str) -> str:
    """The text of HTML."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.parametrize("route", ROUTES, ids=[route.name for route in ROUTES])
def test_every_route_is_told_whole(docs: str, route: Route) -> None:
    told = article(docs, route.name)
    assert f"{route.method} {route.plain_path}" in plain(told)
    assert all(f'href="/docs/errors#{code}"' in told for code in route.refuses)
    assert all(f'<th scope="row"><code>{one.name}</code></th>' in told for one in route.query)
    assert all(str(status) in told for status in route.answers)


@pytest.mark.parametrize("route", EVERY_ROUTE, ids=[route.name for route in EVERY_ROUTE])
def test_every_route_stands_in_the_contract(route: Route) -> None:
    table = CONTRACT.partition("| route | does |")[2].partition("\n\n")[0]
    path = re.sub(r"\{\w+:\w+\}", "{}", route.path).replace("/tables", "/guests")  # "the same five"
    asked = re.findall(r"`([A-Z·]+) ([^`?]+)", re.sub(r"\{\w+\}", "{}", table))
    methods = {method for several, one in asked if one.rstrip("/") == path.rstrip("/") for method in several.split("·")}
    assert route.method in methods, f"give {route.method} {route.path} its row in the table of routes of contract.md"


@pytest.mark.parametrize("route", ROUTES, ids=[route.name for route in ROUTES])
def test_every_route_has_an_example_that_went_well(docs: str, route: Route) -> None:
    told = article(docs, route.name)
    status = next(iter(route.answers))
    assert f'<pre class="http answer" tabindex="0"><code>{status} ' in told
    body = route.answers[status]
    names = [name for name, _ in examples(told)]
    assert body is None or type_name(body) in names
    assert route.body is None or type_name(route.body) in names


def test_an_example_shows_the_headers_that_the_contract_promises(docs: str) -> None:
    told = plain(article(docs, "createGuest"))
    for header in ("Idempotency-Key: ", "Location: /restaurants/1/guests/g1", 'ETag: "', "Restohub-Revision: "):
        assert header in told


def test_every_example_is_what_its_type_says(docs: str, errors: str) -> None:
    # On the page of errors, what was sent is wrong on purpose.
    found = examples(docs) + [one for one in examples(errors) if one[0] not in SENT]
    assert len(found) > 80
    for name, text in found:
        value = json.loads(text)
        if name == "client message":
            continue
        kept = json.loads(msgspec.json.encode(msgspec.json.decode(text, type=TYPES[name])))
        # What a client sends may leave out what has a default, or carry what is ignored.
        assert kept == value or name in SENT, (name, text)


def test_every_message_is_told_with_its_fields_and_an_example(docs: str) -> None:
    shown = [json.loads(text) for name, text in examples(docs) if name not in BODIES]
    types = {one.get("type") for one in shown}
    for struct in message_structs():
        tag = struct.__struct_config__.tag
        assert {tag} <= types if tag else types >= NAMED
        told = article(docs, f"message-{tag or 'guest_created'}")
        assert all(f"<code>{field.encode_name}</code>" in told for field in fields_of(struct))


def test_the_messages_are_those_of_the_sockets() -> None:
    names = {struct.__name__ for struct in message_structs()}
    assert names >= {"ConnectionEstablished", "FullSync", "DeltaUpdate", "AtomicTransactionComplete", "NamedChange"}
    assert names >= {"Ping", "Pong", "ErrorMessage"}


def test_every_message_is_listed_with_the_document_and_the_golden_files_beside_it(docs: str) -> None:
    part = docs[docs.index('<h3 id="message-list">') :]
    told = part[: part.index("</table>")]
    assert all(f'href="{target}"' in told for target in ("/schema/asyncapi.json", "/docs/fixtures.zip"))
    rows = [plain(row) for row in told.split("<tr>")]
    for name in ("connection_established", "full_sync", "ping"):
        assert any(row.startswith(f"{name} hub both ") for row in rows), name
    assert all(any(row.startswith(f"{name} hub /realtime ") for row in rows) for name in NAMED)
    assert any(row.startswith("request_delta client both ") for row in rows)


def test_the_sample_client_is_shown_as_it_is(hub: Hub, api: httpx.Client, docs: str) -> None:
    client = (ROOT / "restohub/docs/sync_client.py").read_bytes()
    shown = unescape(re.sub(r"<[^>]+>", "", docs))
    assert client.decode().replace("HOST:8000", f"127.0.0.1:{hub.port}") in shown
    assert 'href="/docs/sync_client.py"' in docs
    assert api.get("/docs/sync_client.py").content == client


def test_there_is_a_page_for_each_document() -> None:
    held = {path.name for path in (ROOT / "restohub/docs").glob("*.md")}
    assert {f"{name}.md" for name in documents()} == held
    assert {"architecture", "contract", "sync"} <= {*documents()}


@pytest.mark.parametrize("name", documents())
def test_a_document_is_a_page_with_contents_and_the_same_as_markdown(api: httpx.Client, docs: str, name: str) -> None:
    text = (ROOT / f"restohub/docs/{name}.md").read_bytes()
    raw = api.get(f"/docs/{name}.md")
    assert (raw.content, raw.headers["content-type"]) == (text, "text/plain; charset=utf-8")
    page = api.get(f"/docs/{name}").text
    title, *headings = re.findall(r"^##? (.+)$", re.sub(r"^```.*?^```", "", text.decode(), flags=re.M | re.S), re.M)
    assert plain(page[page.index("<h1") : page.index("</h1>")]) == title
    told = plain(page[page.index('<nav class="toc"') : page.index("</nav>", page.index('<nav class="toc"'))])
    assert all(heading.replace("`", "") in told for heading in headings)
    assert f'href="/docs/{name}.md"' in page
    assert f'<a href="/docs/{name}">{title}</a>' in docs


@pytest.mark.parametrize("name", ["nowhere", "nowhere.md", "sync.py", "made", "made.md", "..", "fixtures", "errors.md"])
def test_what_is_no_document_is_not_found(api: httpx.Client, name: str) -> None:
    answer = api.get(f"/docs/{name.replace('..', '%2e%2e')}")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "route_not_found")
    assert answer.json()["hint"] == f"There is no /docs/{name} here. /docs lists all."


def test_a_document_leads_to_the_others_as_pages(api: httpx.Client) -> None:
    assert '<a href="/docs/contract">' in api.get("/docs/architecture").text


def test_the_messages_of_a_client_are_understood(docs: str) -> None:
    for message, _ in CLIENT_MESSAGES:
        actions = socket_state.SocketState(1, 0).on_message(message.decode(), 0)
        assert not any(isinstance(one, socket_state.SendError | socket_state.Close) for one in actions)
        assert ("client message", laid_out(json.loads(message))) in examples(docs)


def test_every_close_code_of_the_sockets_is_told() -> None:
    named = {
        socket_state.BAD_PARAMETER,
        socket_state.TOKEN_REFUSED,
        socket_state.UNKNOWN_RESTAURANT,
        socket_state.GONE_SILENT,
        socket_state.TOO_MANY,
        socket_state.TOO_BIG,
        socket_state.GOING_AWAY,
        socket_state.HUB_FAULT,
        socket_state.TRY_AGAIN_LATER,
    }
    assert {code for code, _, _ in CLOSES} == named


@pytest.mark.parametrize("code", error_codes.CODES)
def test_every_error_has_its_entry_and_its_document(docs: str, errors: str, code: str) -> None:
    about, told = error_codes.CODES[code], article(errors, code)
    assert code in HAPPENS, "say in build/reference/descriptions.py when it comes"
    assert about.title in unescape(told)
    shown = [json.loads(text) for name, text in examples(told) if name in ("ProblemDocument", "ErrorMessage")]
    assert [one["error_code"] for one in shown] == [code]
    assert about.status == 0 or shown[0]["status"] == about.status
    assert f'href="/docs/errors#{code}"' in docs


def test_every_field_of_an_entity_and_of_a_body_is_told(docs: str) -> None:
    for struct, target in ((Guest, "guest"), (Table, "table"), (Restaurant, "restaurant")):
        part = docs[docs.index(f'<h3 id="{target}">') :]
        told = part[: part.index("</table>")]
        assert all(f"<code>{field.encode_name}</code>" in told for field in fields_of(struct))
    for body in structs_in(BODIES.values()):
        assert body in (Guest, Table, Restaurant) or f'id="type-{body.__name__}"' in docs
    assert all(f"<code>{status}</code>" in docs for status in (*GUEST_STATUSES, *TABLE_STATUSES))


def test_a_limit_of_the_input_stands_beside_its_field(docs: str) -> None:
    part = docs[docs.index('<h3 id="guest">') :]
    most = next(one for one in fields_of(GuestInput) if one.encode_name == "notes").type.types[0].max_length  # type: ignore[attr-defined]  # the type is a union with a text
    row = next(row for row in part.split("</tr>") if "<code>notes</code>" in row)
    assert f"at most {most:,} characters or null" in plain(row)


def test_the_app_s_configuration_is_told(docs: str) -> None:
    for name in ("_restohub._tcp", "NSBonjourServices", "NSLocalNetworkUsageDescription", "NSAllowsLocalNetworking"):
        assert name in docs


def test_commands_carry_the_address_by_which_the_reader_came(hub: Hub, api: httpx.Client) -> None:
    assert f"curl http://127.0.0.1:{hub.port}/health" in api.get("/docs").text
    named = api.get("/docs", headers={"Host": "kitchen-pi.local:8000"}).text
    assert "http://kitchen-pi.local:8000/api" in named
    assert "ws://kitchen-pi.local:8000/realtime" in named


def test_a_host_that_is_no_address_is_not_shown(api: httpx.Client) -> None:
    answer = api.get("/docs", headers={"Host": "x<script>.example"})
    assert "x<script>" not in answer.text
    assert "x&lt;script" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_a_strict_policy_and_no_script(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    assert answer.headers.get_list("content-security-policy") == [policy]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"<script|<link|<img|<iframe|\son\w+=|style=", answer.text)
    assert not re.search(r'(?:href|src|action)="(?!/|#)', answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_by_ear(api: httpx.Client, path: str) -> None:
    page = api.get(path).text
    assert '<html lang="en">' in page
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert page.count("<main ") == page.count("</main>") == 1
    levels = [int(level) for level in re.findall(r"<h([1-6])", page)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for head in re.findall(r"<thead>(.*?)</thead>", page, re.DOTALL):
        assert head.count("<th") == head.count('scope="col"')
    assert page.count("<tbody>") == page.count('role="region"')


def test_a_page_is_well_formed(api: httpx.Client) -> None:
    for path in PAGES:
        page = api.get(path).text
        for tag in ("section", "article", "table", "tr", "td", "ol", "ul", "li", "dl", "pre", "code", "details", "a"):
            assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), (path, tag)


def test_the_front_page_says_how_the_hub_is_and_what_it_serves(hub: Hub, api: httpx.Client) -> None:
    restaurant = hub.new_restaurant("Osteria sul Mare", "Europe/Lisbon")
    root = f"/restaurants/{restaurant}"
    assert api.post(root + "/tables", json={"id": "t1", "tableNumber": "1", "capacity": 4}).status_code == 201
    assert api.post(root + "/guests", json={"name": "Rossi", "partySize": 2, "tableId": "t1"}).status_code == 201
    page = api.get("/about").text
    assert '<div class="state well" role="status"><p><strong>The hub is well</strong>' in page
    row = next(row for row in page.split("</tr>") if f"<td>{restaurant}</td>" in row)
    assert plain(row) == f"Osteria sul Mare {restaurant} Europe/Lisbon 1 (1 seated) 1 (0 free) 2"
    for target in ("/docs", "/docs/errors", "/schema/openapi.json", "/health"):
        assert f'href="{target}"' in page


def test_the_front_page_counts_who_listens(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub().start()
    assert "No device is connected now." in httpx.get(hub.url + "/about").text
    with hub.socket("/realtime") as socket:
        next_message(socket)
        assert "1 device is connected." in httpx.get(hub.url + "/about").text


def test_the_front_page_says_what_is_wrong(new_hub: Callable[..., Hub], tmp_path: Path) -> None:
    """A full disk, in a file system of 8 MiB; skipped where this process may not mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        with new_hub(disk).start().client() as api:
            stuff(disk)
            guest = {"name": "Rossi", "partySize": 2, "notes": "n" * 2000}
            assert any(api.post("/restaurants/1/guests", json=guest).is_error for _ in range(5000))
            page = api.get("/about")
            assert page.status_code == 200
            assert '<div class="state ill" role="status"><p><strong>The hub is not well</strong>' in page.text
            assert "The disk is full." in page.text
            assert api.get("/docs").status_code == 200
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_names_are_hostile_input(new_hub: Callable[..., Hub]) -> None:
    hub = new_hub(None, "--name", HOSTILE).start()
    hub.new_restaurant(HOSTILE)
    page = httpx.get(hub.url + "/about").text
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&#x27;Da &quot;Carlo&quot; &amp; figli&#x27;)&lt;/script&gt;") == 3


@pytest.mark.parametrize(
    "value",
    [{}, [], None, "a\"b<&>'\\", {"k": [1, -2.5e-7, True, {"nested": "x" * 90}]}, {"é": {"a": list(range(90))}}],
)
def test_a_layout_changes_no_value(value: Any) -> None:
    assert json.loads(laid_out(value)) == value
    html = json_block(msgspec.json.encode(value), "anything")
    assert [json.loads(text) for _, text in examples(html)] == [value]


def test_every_place_that_the_architecture_names_is_there() -> None:
    text = (ROOT / "restohub/docs/architecture.md").read_text("utf-8")
    places = {one for one in re.findall(r"`([\w./]+)`", text) if one.endswith((".py", ".md", "/"))}
    assert len(places) > 40
    missing = [one for one in places if not (ROOT / one).exists() and not (ROOT / "restohub" / one).exists()]
    assert missing == [], "the page tells of the tree as it is"
    names = set(re.findall(r"`(test_\w+|[A-Z_]{4,})`", text)) - {"READ_ONLY", "COMMIT"}
    sources = "".join(path.read_text("utf-8") for path in (*PACKAGE, *TESTS))
    assert [one for one in names if one not in sources] == []
