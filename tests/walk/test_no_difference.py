"""What one may not know of is answered exactly as what does not exist: status, headers and every letter."""

import difflib
import re
from typing import NamedTuple

from tests.walk.people import ADMINISTRATOR, CONTRACTOR, MANAGER, STRANGER, VENDOR, Walker, both_databases
from tests.walk.requests import PROGRAM, Route, Walk
from tests.walk.routes import ROUTES, Call, resolved
from tests.walk.test_routes import DENIED, expected
from tests.walk.world import NOWHERE, SIDES, Side

PAGE = {"Accept": "text/html"}
PASSING = {"X-Request-Id", "Content-Length", "Set-Cookie", "ETag"}  # differ between any two answers
CSRF = re.compile(r'name="csrf_token" value="[^"]*"')


class Told(NamedTuple):
    """An answer without what the request itself named and what differs each time."""

    status: int
    headers: list[tuple[str, str]]
    body: str


def told(walk: Walk, route: Route, call: Call, side: Side, walker: Walker, headers: dict[str, str]) -> Told:
    answer = walk.send(route, call, side, walker, headers)
    kept = sorted((name, value) for name, value in answer.headers if name not in PASSING)
    if answer.status_code not in (*DENIED, 422):
        return Told(answer.status_code, kept, "")
    body = CSRF.sub("", answer.get_data(as_text=True)).replace(answer.headers["X-Request-Id"], "")
    named = resolved(call.path | (call.json or {}) | (call.form or {}), side).values()
    words = {walk.address(route, call, side), *(word for word in map(str, named) if not word.isdecimal())}
    for word in sorted(words, key=len, reverse=True):
        body = body.replace(word, "…")
    return Told(answer.status_code, kept, body)


def difference(one: Told, other: Told) -> str:
    """Where two answers differ, in a line or two."""
    if one[:2] != other[:2]:
        return f"{one[:2]} {other[:2]}"
    lines = difflib.unified_diff(one.body.splitlines(), other.body.splitlines(), "hidden", "missing", "", "", 0, "")
    return "\n".join(line[:200] for line in list(lines)[3:7])


@both_databases((ADMINISTRATOR, MANAGER, CONTRACTOR, VENDOR, STRANGER), on_postgresql=(MANAGER,))
def test_not_yours_reads_as_not_there(walk: Walk, walker: Walker) -> None:
    differ = []
    for route in walk.routes:
        for call in ROUTES[route.key]:
            hidden = [side for side in SIDES if set(expected(route, call, walker, side)) & {404, 422}]
            for headers in (PROGRAM, PAGE) if hidden and call.in_path else (PROGRAM,):
                missing = told(walk, route, call, NOWHERE, walker, headers) if hidden else None
                for side in hidden:
                    found = told(walk, route, call, side, walker, headers)
                    if missing is not None and found != missing:
                        differ.append(f"{route.method} {walk.address(route, call, side)} {call.form}")
                        differ.append(difference(found, missing))
    assert not differ, "\n".join(differ)
