"""What one may not know of is answered exactly as what does not exist."""

from tests.walk.people import ADMINISTRATOR, CONTRACTOR, MANAGER, STRANGER, VENDOR, Walker, both_databases
from tests.walk.requests import PROGRAM, Route, Walk
from tests.walk.routes import ROUTES, Call, resolved
from tests.walk.test_routes import DENIED, expected
from tests.walk.world import NOWHERE, SIDES, Side

PAGE = {"Accept": "text/html"}
PASSING = {"X-Request-Id", "Content-Length", "Set-Cookie", "ETag"}  # differ between any two answers


def answer(walk: Walk, route: Route, call: Call, side: Side, walker: Walker, headers: dict[str, str]) -> object:
    """Status, headers and body, without what the request itself named."""
    told = walk.send(route, call, side, walker, headers)
    body = told.get_data(as_text=True)
    named = resolved(call.path | (call.json or {}) | (call.form or {}), side).values()
    for word in sorted({walk.address(route, call, side), *map(str, named)}, key=len, reverse=True):
        body = body.replace(word, "…")
    kept = sorted((name, value) for name, value in told.headers if name not in PASSING)
    return told.status_code, kept, body if told.status_code in (*DENIED, 422) else "taken"


@both_databases((ADMINISTRATOR, MANAGER, CONTRACTOR, VENDOR, STRANGER), on_postgresql=(MANAGER, STRANGER))
def test_not_yours_reads_as_not_there(walk: Walk, walker: Walker) -> None:
    differ = []
    for route in walk.routes:
        for call in ROUTES[route.key]:
            hidden = [side for side in SIDES if set(expected(route, call, walker, side)) & {404, 422}]
            for headers in (PROGRAM, PAGE) if hidden and call.in_path else (PROGRAM,):
                missing = answer(walk, route, call, NOWHERE, walker, headers) if hidden else None
                differ += [
                    (route.method, walk.address(route, call, side), found, missing)
                    for side in hidden
                    if (found := answer(walk, route, call, side, walker, headers)) != missing
                ]
    assert not differ, "\n".join(map(str, differ))
