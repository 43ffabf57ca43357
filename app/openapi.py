"""The OpenAPI description of the API, made from the marshmallow schemas."""

from typing import Any

from flask import Flask
from flask_smorest import Api

from app import __version__
from app.access import rules
from app.metering.schemas import AnswerSchema, BatchSchema, ProblemSchema

ENDPOINT = "api-docs.openapi_json"
INGEST = "gateway_api.post_discharges"
PROBLEM = {"description": "A problem (RFC 9457)", "content": {"application/problem+json": {"schema": ProblemSchema}}}


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
    api = Api(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    _describe_ingest(app, api.spec)
    document = app.view_functions[ENDPOINT]

    @rules.public
    def openapi_json() -> Any:
        return document()

    app.view_functions[ENDPOINT] = openapi_json  # flask-smorest's own view is a method, which can hold no rule


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
                    "default": PROBLEM,
                },
            }
        },
    )
