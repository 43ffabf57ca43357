"""The OpenAPI document says of each route who may call it, and the routes keep to it."""

from typing import Any

import pytest

from app.access import rules
from tests.walk.people import ADMINISTRATOR
from tests.walk.requests import Walk, path_of

SQLITE = pytest.mark.parametrize("walk", ["sqlite"], indirect=True, scope="session")


def operations(walk: Walk) -> list[tuple[Any, dict[str, Any]]]:
    """Each documented route with its operation."""
    found = [(route, walk.document["paths"].get(path_of(route), {}).get(route.method.lower())) for route in walk.routes]
    return [(route, operation) for route, operation in found if operation]


@SQLITE
def test_every_operation_tells_its_scope_and_reach(walk: Walk) -> None:
    told = [(route.rule, route.reach) for route, _ in operations(walk)]
    assert told == [(operation["x-scope"], operation["x-reach"]) for _, operation in operations(walk)]
    schemes = walk.document["components"]["securitySchemes"].keys()
    for route, operation in operations(walk):
        named = {name for way in operation["security"] for name in way}
        assert bool(named) == (route.rule != rules.PUBLIC)
        assert named <= schemes


@SQLITE
def test_every_operation_tells_its_refusals_as_problems(walk: Walk) -> None:
    for route, operation in operations(walk):
        responses = operation["responses"]
        assert "default" not in responses
        assert "503" in responses
        if route.rule != rules.PUBLIC:
            assert {"401", "403"} <= responses.keys()
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= responses.keys()
        for status, response in responses.items():
            if int(status) >= 400:
                named = walk.document["components"]["responses"][response["$ref"].rpartition("/")[2]]
                assert named["content"].keys() == {"application/problem+json"}


@SQLITE
def test_a_body_of_another_kind_is_refused_and_not_read_as_none(walk: Walk) -> None:
    """Without a body, revoking would end every key of the gateway."""
    client, path = walk.app.test_client(), "/api/v1/fleet/gateways/ZQOWN-gateway-code/revocations"
    headers = ADMINISTRATOR.headers
    answer = client.post(path, data='{"key_id": "one"}', content_type="text/plain", headers=headers)
    told: Any = answer.json
    assert (answer.status_code, told["accepted"]) == (415, ["application/json"])
    for kind in ("application/json; charset=utf-8", "application/merge-patch+json"):
        answer = client.post(path, data='{"key_id": "one"}', content_type=kind, headers=headers)
        assert answer.status_code == 404, "read: there is no such key"
