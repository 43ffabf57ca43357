"""Nobody reads what is not theirs: the mark of another complex, vendor or district stands in no answer.

Every route that reads is fetched as a page and as a program would, plainly, as CSV, and with every argument that could
search or widen it.
"""

from collections.abc import Iterator
from urllib.parse import quote

from billing.days import service_day
from tests.walk.people import CONTRACTOR, MANAGER, STRANGER, VENDOR, Walker, both_databases
from tests.walk.requests import PROGRAM, Route, Walk
from tests.walk.routes import ROUTES, Call
from tests.walk.world import DISTRICT_MARK, FOREIGN, MOMENT, OTHER, OWN, SIDES, Side

PAGE = {"Accept": "text/html"}
LIMITED = (MANAGER, CONTRACTOR, VENDOR, STRANGER)
DAY = service_day(MOMENT).isoformat()
# What pages take besides the documented arguments of the API; an address refuses or ignores what it does not know.
WIDENING: tuple[dict[str, str], ...] = (
    {},
    {"format": "csv"},
    {"per": "household", "month": DAY[:7]},
    {"per": "complex", "from": DAY, "to": DAY, "compare": "true"},
    {"state": "all", "which": "all"},
)


def forbidden(walker: Walker) -> list[str]:
    """What must not be told to a walker: the marks, and the digits of cards."""
    if walker.reach == "district":
        others = [side for side in SIDES if side.district_id != walker.home.district_id]
    else:
        others = [side for side in SIDES if side != walker.home]
    districts = [mark for number, mark in DISTRICT_MARK.items() if number != walker.home.district_id]
    return [*districts, *(word for side in others for word in (side.mark, side.last4))]


def queries(walk: Walk, route: Route) -> Iterator[dict[str, str]]:
    """The arguments to try. Searches are for what all marks begin with, which an answer may repeat and not complete."""
    yield from WIDENING
    for name, kind in ({"search": "string"} | walk.query_types(route)).items():
        yield {name: "ZQ" if kind == "string" else str(OTHER.id)}
    for name in {"complex", "meter", "gateway", "login"} & walk.query_types(route).keys():
        yield {name: OTHER.text("account" if name == "login" else name, "login" if name == "login" else "code")}


def leaks(walk: Walk, route: Route, call: Call, walker: Walker, side: Side) -> Iterator[str]:
    """Where an answer tells what it must not. What the request itself named is not news."""
    said = walk.address(route, call, side)
    for query in queries(walk, route) if side is walker.home else [{}]:
        answer = walk.send(route, call, side, walker, PAGE if not query else PROGRAM, call.query | query)
        told = f"{answer.headers}\n{answer.data.decode(errors='replace')}"
        for word in (said, quote(said), *query.values()):
            told = told.replace(word, "")
        found = [word for word in forbidden(walker) if word in told]
        if found:
            place = told.index(found[0])
            yield f"{route.method} {said} {query}: {told[max(0, place - 60) : place + 60]!r}"


@both_databases(LIMITED)
def test_nothing_tells_of_what_is_not_theirs(walk: Walk, walker: Walker) -> None:
    found = [
        leak
        for route in walk.routes
        if route.method == "GET"
        for call in ROUTES[route.key]
        for side in SIDES
        for leak in leaks(walk, route, call, walker, side)
    ]
    assert not found, "\n".join(found)


@both_databases(LIMITED)
def test_their_own_is_told(walk: Walk, walker: Walker) -> None:
    """Or the walk above would pass over empty pages."""
    assert any(
        walker.home.mark in walk.send(route, call, walker.home, walker).data.decode(errors="replace")
        for route in walk.routes
        if route.method == "GET"
        for call in ROUTES[route.key]
    )


def test_the_marks_cannot_be_taken_for_each_other() -> None:
    marks = [side.mark for side in (OWN, OTHER, FOREIGN)] + list(DISTRICT_MARK.values())
    assert not [one for one in marks for other in marks if one != other and one in other]
