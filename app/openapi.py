"""The OpenAPI description of the API, made from the marshmallow schemas."""

from typing import Any

from flask import Flask
from flask_smorest import Api

from app import __version__
from app.access import rules

ENDPOINT = "api-docs.openapi_json"


def init(app: Flask, blueprints: list[Any]) -> None:
    """Serve /api/v1/openapi.json and the routes of the blueprints."""
    app.config.update(
        API_TITLE="Jongnyang",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = Api(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    document = app.view_functions[ENDPOINT]

    @rules.public
    def openapi_json() -> Any:
        return document()

    app.view_functions[ENDPOINT] = openapi_json  # flask-smorest's own view is a method, which can hold no rule
