"""The OpenAPI description of the API, made from the marshmallow schemas."""

from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from app import __version__
from app.access import rules
from app.problems import Problem

ENDPOINT = "api-docs.openapi_json"


class ProblemApi(Api):  # type: ignore[misc] # flask-smorest publishes no types
    """Answers a request that does not fit its schema with our problem `invalid`, naming each field."""

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Raise what the app's own error handlers answer."""
        messages = (getattr(error, "data", None) or {}).get("messages")
        if error.code == 422 and messages:
            raise Problem("invalid", errors=messages) from error
        raise error


def init(app: Flask, blueprints: list[Any]) -> None:
    """Serve /api/v1/openapi.json and the routes of the blueprints."""
    app.config.update(
        API_TITLE="Jongnyang",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    api = ProblemApi(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    document = app.view_functions[ENDPOINT]

    @rules.public
    def openapi_json() -> Any:
        return document()

    app.view_functions[ENDPOINT] = openapi_json  # flask-smorest's own view is a method, which can hold no rule
