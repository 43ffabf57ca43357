"""Who may call which route about whose things: every route, method, role, scope and side of the world.

What is expected follows from the routes' own rules and from the roles; nothing is listed twice.
"""

from app.access import rules
from tests.walk.people import MANAGER, PROGRAMS, VENDOR, WALKERS, Walker, both_databases
from tests.walk.requests import Route, Walk, routes
from tests.walk.routes import ROUTES, Call
from tests.walk.world import FOREIGN, OWN, SIDES, Side

DENIED = (401, 403, 404)


def expected(route: Route, call: Call, walker: Walker, side: Side) -> tuple[int, ...]:
    """The statuses of which one must come, or none where the route must not refuse.

    What only the body names and the walker does not see may be called invalid, as what does not exist is.
    """
    if route.rule == rules.GATEWAY:
        return (401, 429)
    if not walker.token:
        return (401,)
    if not walker.may(route.rule):
        return (403,)
    if route.rule != rules.LOGGED_IN and walker.reach not in ("district", route.reach):
        return (403,)
    if call.needs and (walker.reach != "district" or not walker.may(call.needs)):
        return (403,)
    if call.personal:
        return (404, 422)  # some of what is one's own is refused to any token
    if call.made and walker.reach != "district":
        return (404,)
    if walker.sees(side) or not (call.in_path or call.in_body):
        return ()
    return (404,) if call.in_path else (404, 422)


def sides(walker: Walker) -> tuple[Side, ...]:
    """Who sees the whole district sees one complex of it as the other."""
    if walker in PROGRAMS:
        return (OWN,)
    return (OWN, FOREIGN) if walker.reach == "district" else SIDES


def test_every_route_is_walked(walk: Walk) -> None:
    found = {route.key for route in routes(walk.app)}
    assert found - ROUTES.keys() == set(), "add them to tests/walk/routes.py"
    assert ROUTES.keys() - found == set(), "these routes are gone"


@both_databases(WALKERS, on_postgresql=(MANAGER, VENDOR))
def test_a_walker_is_let_in_where_the_rules_say_so_and_nowhere_else(walk: Walk, walker: Walker) -> None:
    wrong = []
    for route in walk.routes:
        if route.rule == rules.PUBLIC:
            continue
        for call in ROUTES[route.key]:
            for side in sides(walker):
                told = expected(route, call, walker, side)
                if side is not OWN and set(told) & {401, 403}:
                    continue  # refused before anything is looked at, whatever the address names
                status = walk.send(route, call, side, walker).status_code
                if status >= 500 or (status not in told if told else status in DENIED):
                    wrong.append((route.method, walk.address(route, call, side), call.form, status, told))
    assert not wrong, "\n".join(map(str, wrong))
