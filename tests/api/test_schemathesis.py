"""The API keeps to its OpenAPI document, whatever is sent: no server error, no answer that it does not describe.

Requests are made up from the document, good and bad ones; half of them about rows that exist. They are the same in
every run. `SCHEMATHESIS_EXAMPLES=200 pytest tests/api` tries more.
"""

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.walk.people import ADMINISTRATOR, MANAGER, Walker, both_databases
from tests.walk.requests import Route, Walk, path_of
from tests.walk.routes import ROUTES, resolved
from tests.walk.world import OWN

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "2"))  # of each operation: good, bad, about a row or none
Operation = Any  # schemathesis's own generic one, which its strategies do not agree with themselves about
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def settings(examples: int) -> hypothesis.settings:
    """Without a database of examples, without shrinking: what fails is shown as it came."""
    return hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def failures(walk: Walk, walker: Walker, examples: int) -> Iterator[str]:
    """What does not keep to the document, over all operations."""
    schema: Any = openapi.from_wsgi("/api/v1/openapi.json", walk.app, config=SchemathesisConfig(seed=1))
    routes = {(route.method, path_of(route)): route for route in walk.routes}
    for result in schema.get_all_operations():
        operation: Operation = result.ok()
        route = routes[operation.method.upper(), operation.path]
        yield from of_the_walk(walk, route, operation, walker)
        named = resolved(ROUTES[route.key][0].path, OWN)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for path in ({"path_parameters": named}, {}) if named else ({},):
                yield from made_up(operation, operation.as_strategy(mode, **path), walker, examples)


def of_the_walk(walk: Walk, route: Route, operation: Operation, walker: Walker) -> Iterator[str]:
    """What the walk sends, which mostly succeeds: so the results are compared too."""
    for call in ROUTES[route.key]:
        body = walk.body(route, call, OWN)
        sent: dict[str, Any] = {} if body is None else {"body": body, "media_type": "application/json"}
        yield from told(operation.Case(path_parameters=resolved(call.path, OWN), **sent), walker)


def made_up(operation: Operation, strategy: Any, walker: Walker, examples: int) -> Iterator[str]:
    found: list[str] = []

    @settings(examples)
    @hypothesis.given(case=strategy)
    def send(case: Any) -> None:
        found.extend(told(case, walker))

    send()
    yield from found


def told(case: Any, walker: Walker) -> list[str]:
    """What is wrong with the answer."""
    try:
        case.call_and_validate(headers=walker.headers, checks=CHECKS)
    except FailureGroup as group:
        return [f"{case.operation.label}: {failure}\n{case.as_curl_command()}" for failure in group.exceptions]
    return []


@both_databases((ADMINISTRATOR, MANAGER), on_postgresql=(ADMINISTRATOR,))
def test_every_answer_is_one_that_the_document_describes(
    walk: Walk, walker: Walker, request: pytest.FixtureRequest
) -> None:
    few = walker is MANAGER or "postgresql" in request.node.name
    found = list(failures(walk, walker, max(1, EXAMPLES // 3) if few else EXAMPLES))
    assert not found, "\n".join(dict.fromkeys(found))
