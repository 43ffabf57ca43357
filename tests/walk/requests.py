"""From the table of routes to requests: the address, the body and who sends it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from flask import Flask
from flask_smorest.spec.plugins import FlaskPlugin
from werkzeug.test import TestResponse

from app.access import rules
from app.access.enforce import handler_for
from app.times import format_instant, now
from billing.days import service_day
from tests.walk.people import Walker
from tests.walk.routes import ROUTES, Call, resolved
from tests.walk.world import Side

PROGRAM = {"Accept": "application/json"}


class Route(NamedTuple):
    """A route for a method, with the rule that it declares."""

    method: str
    pattern: str
    endpoint: str
    rule: str
    reach: str

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.pattern


def routes(app: Flask) -> Iterator[Route]:
    """Every route of the service and method that it takes."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            view = handler_for(app, rule.endpoint, method)
            yield Route(method, rule.rule, rule.endpoint, rules.rule_of(view) or "", rules.reach_of(view))


def path_of(route: Route) -> str:
    """As the OpenAPI document has it."""
    return str(FlaskPlugin.flaskpath2openapi(route.pattern))


class Walk:
    """Calls routes of one service about the sides of the world."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.routes = [route for route in routes(app) if route.key in ROUTES]
        self._addresses = app.url_map.bind("localhost")
        self.document: Any = app.test_client().get("/api/v1/openapi.json").json

    def address(self, route: Route, call: Call, side: Side) -> str:
        """The path about a side."""
        return str(self._addresses.build(route.endpoint, resolved(call.path, side), method=route.method))

    def send(
        self,
        route: Route,
        call: Call,
        side: Side,
        walker: Walker,
        headers: dict[str, str] = PROGRAM,
        query: dict[str, str] | None = None,
    ) -> TestResponse:
        """The answer to a walker."""
        client = self.app.test_client(use_cookies=False)
        options: dict[str, Any] = {"headers": headers | walker.headers, "query_string": query or call.query}
        if call.form is not None:
            options["data"] = resolved(call.form, side)
            options |= {"content_type": "multipart/form-data"} if call.multipart else {}
        elif (body := self.body(route, call, side)) is not None:
            options["json"] = body
        return client.open(self.address(route, call, side), method=route.method, buffered=True, **options)

    def body(self, route: Route, call: Call, side: Side) -> dict[str, Any] | None:
        """What a program sends: what the document requires, about the side."""
        if route.method not in ("POST", "PUT", "PATCH") or not route.pattern.startswith("/api/"):
            return None
        return self._required(route) | resolved(call.json or {}, side)

    def query_types(self, route: Route) -> dict[str, str]:
        """The arguments in the address that a documented route takes, with what JSON calls their type."""
        parameters = self._operation(route).get("parameters", ())
        return {each["name"]: each["schema"].get("type", "string") for each in parameters if each.get("in") == "query"}

    def _operation(self, route: Route) -> dict[str, Any]:
        path = self.document["paths"].get(path_of(route), {})
        found: dict[str, Any] = path.get(route.method.lower(), {})
        return found

    def _required(self, route: Route) -> dict[str, Any]:
        """A body with what the document requires."""
        content = self._operation(route).get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        schema = self.document["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
        return {name: _example(schema["properties"][name]) for name in schema.get("required", ())}


def _example(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date":
        return service_day(now()).isoformat()
    if schema.get("format") == "date-time":
        return format_instant(now() + timedelta(days=1))
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    return {"integer": max(1, schema.get("minimum", 1)), "number": 1, "array": [], "object": {}}.get(kind, "walk")
