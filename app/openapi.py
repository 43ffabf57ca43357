"""The OpenAPI description of the API, made from what the routes say of themselves.

What goes in and out comes from the marshmallow schemas; who may call, and what is refused, from each route's rule.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Flask, current_app, jsonify, request
from flask_smorest import Api
from flask_smorest.spec.plugins import FlaskPlugin

from app import __version__
from app.access import rules
from app.access.enforce import handler_for
from app.metering.schemas import AnswerSchema, BatchSchema, ProblemSchema
from app.problems import Problem

ENDPOINT = "api-docs.openapi_json"
INGEST = "gateway_api.post_discharges"
BODIES = "jongnyang.bodies"  # of the app: which kinds of body people may send, by endpoint and method
METHODS = ("get", "post", "put", "patch", "delete")
READING = ("get",)
SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token of an account"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "A log-in; what it changes needs its CSRF token in X-CSRFToken",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "An RFC 9421 signature with the gateway's key (docs/gateway-api.md)",
    },
}
SECURITY: dict[str | None, list[dict[str, list[str]]]] = {rules.PUBLIC: [], rules.GATEWAY: [{"signature": []}]}
BY_PEOPLE: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]


class Described(Api):  # type: ignore[misc]
    """With our own form of errors."""

    ERROR_SCHEMA = ProblemSchema


def init(app: Flask, blueprints: list[Any]) -> None:
    """Serve /api/v1/openapi.json and the routes of the blueprints."""
    app.config.update(
        API_TITLE="Jongnyang",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={"info": {"description": "Browsable at [/api/docs](/api/docs)."}},
    )
    api = Described(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    _describe_ingest(app, api.spec)
    document = _complete(app, api.spec.to_dict())

    @rules.public
    def openapi_json() -> Any:
        return jsonify(document)

    app.view_functions[ENDPOINT] = openapi_json  # flask-smorest's own view is a method, which can hold no rule
    app.before_request(refuse_other_bodies)


def refuse_other_bodies() -> None:
    """Raise the Problem `media-type` for a body that is not of a documented kind: it would be read as none at all."""
    kinds = current_app.extensions[BODIES].get((request.endpoint, request.method.lower()))
    if kinds is None or not (request.content_length or "Transfer-Encoding" in request.headers):
        return
    if request.mimetype not in kinds and not (request.is_json and "application/json" in kinds):
        raise Problem("media-type", accepted=sorted(kinds))


def _complete(app: Flask, document: dict[str, Any]) -> dict[str, Any]:
    """Add to each operation who may call it, and every refusal that may come back."""
    components = document["components"]
    components["securitySchemes"] = SECURITY_SCHEMES
    components["responses"].pop("DEFAULT_ERROR", None)
    bodies = app.extensions[BODIES] = {}
    for endpoint, path, method, operation in _operations(app, document):
        view = handler_for(app, endpoint, method.upper())
        rule, reach = rules.rule_of(view), rules.reach_of(view)
        operation |= {"x-scope": rule, "x-reach": reach, "security": SECURITY.get(rule, BY_PEOPLE)}
        responses = operation.setdefault("responses", {})
        responses.pop("default", None)
        for status in refusals(rule, reach, method, operation, parameters=_parameters(document, path, operation)):
            responses[str(status.value)] = {"$ref": f"#/components/responses/{status.name}"}
            components["responses"][status.name] = _refusal(status)
        if "requestBody" in operation and rule != rules.GATEWAY:
            bodies[endpoint, method] = set(operation["requestBody"]["content"])
    return document


def refusals(
    rule: str | None, reach: str, method: str, operation: dict[str, Any], parameters: list[dict[str, Any]]
) -> set[HTTPStatus]:
    """What an operation may answer in place of its own result, as its rule and what it takes imply."""
    s, body, changes = HTTPStatus, "requestBody" in operation, method not in READING
    found = {s.SERVICE_UNAVAILABLE}
    if rule != rules.PUBLIC:
        found |= {s.UNAUTHORIZED, s.FORBIDDEN}
    if rule == rules.GATEWAY:
        found.add(s.TOO_MANY_REQUESTS)
    if changes:
        found |= {s.BAD_REQUEST, s.CONFLICT}
    if body:
        found |= {s.REQUEST_ENTITY_TOO_LARGE, s.UNSUPPORTED_MEDIA_TYPE}
    if body or changes or any(parameter["in"] == "query" for parameter in parameters):
        found.add(s.UNPROCESSABLE_ENTITY)
    if body or reach != "district":
        found.add(s.NOT_FOUND)
    if any(parameter["in"] == "path" for parameter in parameters):
        # An address that no method takes, such as with too long a number, is called 405 where it has several methods.
        found |= {s.NOT_FOUND, s.METHOD_NOT_ALLOWED}
    return found


def _refusal(status: HTTPStatus) -> dict[str, Any]:
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": status.phrase, "content": {"application/problem+json": problem}}


def _operations(app: Flask, document: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Endpoint, path, method and operation of all that is documented."""
    for rule in app.url_map.iter_rules():
        path = FlaskPlugin.flaskpath2openapi(rule.rule)
        for method in METHODS:
            operation = document["paths"].get(path, {}).get(method)
            if operation is not None and method.upper() in (rule.methods or ()):
                yield rule.endpoint, path, method, operation


def _parameters(document: dict[str, Any], path: str, operation: dict[str, Any]) -> list[dict[str, Any]]:
    found = [*document["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
    return [document["components"]["parameters"][p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in found]


def _describe_ingest(app: Flask, spec: Any) -> None:
    """The gateways' route, which the hot path reads without flask-smorest."""
    spec.path(
        rule=next(rule for rule in app.url_map.iter_rules() if rule.endpoint == INGEST),
        operations={
            "post": {
                "summary": "Take a batch of discharges, signed by the gateway (docs/gateway-api.md)",
                "tags": ["gateways"],
                "requestBody": {"required": True, "content": {"application/json": {"schema": BatchSchema}}},
                "responses": {
                    "200": {
                        "description": "What became of each record, in the order of the request",
                        "content": {"application/json": {"schema": AnswerSchema}},
                    },
                },
            }
        },
    )
