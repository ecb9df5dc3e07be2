"""Bodies that are as slow to read as their size allows: known ones, and a search for slower ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

MIB = 1024 * 1024
Cost = Callable[[bytes], float]

# What a body can be full of.
ITEMS = (
    *("0", "1e9", "-1", "null", "true", '""', '"a"', '":"', '"\\u0061"', '"\\\\"', '"é"', '"😀"', '"\\u0000"'),
    *("0.1234567890123456789e-300", "2.2250738585072011360574097967091319759e-308", "1" * 19, "1" * 640, "9" * 21),
    *("{}", "[]", "{ }", '{"":0}', '{"a":0,"b":":"}', '{"a":0,"a":0}', "[[]]", "[0,0]", '{"":{}}', '{"":[0]}'),
    *('{"data":{"restaurant_id":"x"}}', '{"entity_type":"guest","action":"create","data":{}}', '"' + " " * 1900 + '"'),
    *("[" * 90 + "]" * 90, '{"":' * 90 + "0" + "}" * 90, '"' + "\\n" * 900 + '"', '"' + ",[{" * 600 + '"'),
)
GUEST = '"entity_type":"guest","action":"%s","entity_id":"g1"'
# What they can stand in: before them, what each one is written as, after them.
PLACES = (
    ("[", "{item}", "]"),
    ("{", '"k{n:x}":{item}', "}"),
    ("{", '"\\u0061{n:x}":{item}', "}"),
    ('{"operations":[{}],"metadata":[', "{item}", "]}"),
    ('{"operations":{', '"{n}":{item}', "}}"),
    ('{"operations":[', '{{"data":{item}}}', "]}"),
    ('{"operations":[{' + GUEST % "create" + ',"data":{', '"k{n:05}":{item}', "}}]}"),
    ('{"operations":[{' + GUEST % "create" + ',"data":{"name":"A","partySize":2,"tags":[', "{item}", "]}}]}"),
    *(
        (
            '{"' + name + '":[',
            "{{"
            + GUEST % action
            + ',"data":{{"'
            + field
            + '":{item},'
            + ",".join(f'"k{k}":0' for k in range(more))
            + "}}}}",
            "]}",
        )
        for name, action in (("operations", "create"), ("updates", "update"))
        for field in ("status", "dietaryRestrictions", "id")
        for more in (1, 195)
    ),
)


def body(items: tuple[str, ...], place: tuple[str, str, str], size: int, most: int = 10**9) -> bytes:
    """A body of so many bytes at most that is full of these items in turn; `most` of them, of operations 500."""
    head, form, tail = place
    if form.startswith('{{"entity_type"'):
        most = min(most, 500)
    numbered = "{n" in form
    fixed = [form.format(item=item) for item in items] if not numbered else []
    parts: list[str] = []
    left = size - len(head.encode()) - len(tail.encode())
    while len(parts) < most:
        at = len(parts) % len(items)
        part = form.format(item=items[at], n=len(parts)) if numbered else fixed[at]
        left -= len(part.encode()) + 1
        if left < 0:
            break
        parts.append(part)
    return (head + ",".join(parts) + tail).encode()


def known(size: int) -> Iterator[tuple[str, bytes]]:
    """Each item in each place, as often as the size allows and as often as the hub still reads."""
    for place in PLACES:
        for item in ITEMS:
            for most in (99_000, 9_900):
                yield f"{most:,} x {item[:40]} in {place[0][:40]}", body((item,), place, size, most)
    yield "a key that comes last and twice", b"{" + b",".join(b'"k%06d":0' % n for n in range(size // 14)) + b',"k0":0}'
    yield "one long text", b'["' + b"\\u0000" * (size // 6 - 2) + b'"]'
    yield "one long number", b"1" * size
    yield "nothing but depth", b"[" * size


def slowest(size: int, cost: Cost, rounds: int, seed: int = 0) -> tuple[float, bytes]:
    """The slowest body that was found in so many tries: of the known ones, and of mixtures of what was slow."""
    chance = random.Random(seed)
    found = sorted(((cost(one), one) for _, one in known(size)), reverse=True, key=lambda pair: pair[0])[:1]
    best, worst = found[0]
    for _ in range(rounds):
        items = tuple(chance.choices(ITEMS, k=chance.randint(1, 3)))
        tried = body(items, chance.choice(PLACES), size, chance.choice((500, 5_000, 9_900, 50_000, 99_000, 10**9)))
        if (took := cost(tried)) > best:
            best, worst = took, tried
    return best, worst
