"""Every route has a rule, every request is held to it, and every answer carries the security headers."""

from unittest.mock import Mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask.views import MethodView

from app.access import enforce, rules
from app.access.accounts import current_actor
from app.access.enforce import rule_for
from tests.access.people import PAGE, add_person, database_of, log_in

RULES = {rules.PUBLIC, rules.GATEWAY, rules.LOGGED_IN, *rules.SCOPES}

# What anybody may call. Whoever adds a route here has thought about it.
PUBLIC = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/static/<path:filename>",
    "/login",
    "/login/code",
    "/login/second-factor",
    "/invitation/<string(length=43):token>",
    "/language/<language>",
    "/s/<string(maxlength=200):token>",
    "/manual",
    "/manual/<role>",
    "/problems",
    "/problems/<slug>",
    "/api/docs",
    "/api/v1/time",
    "/api/v1/openapi.json",
    "/api/v1/gateways/claim",
}


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """Every path with each of its methods and its endpoint."""
    return [
        (rule.rule, method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
        if method != "OPTIONS"
    ]


def test_every_route_has_a_rule(app: Flask) -> None:
    assert [route for route in routes(app) if rule_for(app, route[2], route[1]) not in RULES] == []


def test_nothing_is_public_by_accident(app: Flask) -> None:
    public = {path for path, method, endpoint in routes(app) if rule_for(app, endpoint, method) == rules.PUBLIC}
    assert public - PUBLIC == set()


def test_nothing_but_the_public_answers_a_stranger(app: Flask) -> None:
    client = app.test_client()
    for path, method, endpoint in routes(app):
        if rule_for(app, endpoint, method) == rules.PUBLIC:
            continue
        filled = path.replace("<gateway>", "GW-1").replace("<", "").replace(">", "").replace("int:", "")
        answer = client.open(filled, method=method)
        assert answer.status_code in (401, 404, 405), f"{method} {path} answered {answer.status}"


def test_a_route_without_a_rule_is_refused_and_logged(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = Mock()
    monkeypatch.setattr(enforce, "log", logged)

    @app.get("/forgotten")
    def forgotten() -> str:
        return "secret"

    client = app.test_client()
    log_in(client)
    answer = client.get("/forgotten")
    assert answer.status_code == 500
    assert answer.json["type"] == "/problems/internal"
    logged.error.assert_called_once_with("route without an access rule", endpoint="forgotten")


def test_each_method_of_a_class_of_views_has_its_own_rule(app: Flask) -> None:
    class Things(MethodView):
        @rules.public
        def get(self) -> str:
            return "all"

        @rules.scope("metering:correct")
        def post(self) -> str:
            return current_actor()

        def delete(self) -> str:
            return "gone"

    app.add_url_rule("/things", view_func=Things.as_view("things"))
    client = app.test_client()
    assert client.get("/things").text == "all"
    assert client.head("/things").status_code == 200
    assert client.options("/things").status_code == 200
    assert client.post("/things").status_code == 401
    assert client.delete("/things").status_code == 500


def test_a_browser_is_shown_the_log_in_and_a_program_is_told(client: FlaskClient) -> None:
    page = client.get("/", headers=PAGE)
    assert (page.status_code, page.location) == (302, "/login?next=/")
    assert client.get("/").json["type"] == "/problems/not-authenticated"
    assert client.post("/logout", headers=PAGE).location == "/login"


def test_rules_of_any_account_are_open_to_one_without_scopes(app: Flask) -> None:
    add_person(database_of(app), "guest", scopes=())
    client = app.test_client()
    log_in(client, "guest")
    page = client.get("/live", headers=PAGE)
    assert page.status_code == 403
    assert "metering:read" in page.text
    assert client.post("/logout", headers=PAGE).status_code == 400  # let in, but without its CSRF token


@pytest.mark.parametrize("path", ["/login", "/nothing", "/healthz", "/static/style.css", "/api/v1/time", "/"])
def test_every_answer_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    with client.get(path, headers=PAGE) as answer:
        headers = answer.headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers  # only where cookies are for HTTPS alone
    assert headers["X-Request-Id"]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "PUT"])
@pytest.mark.parametrize("accept", [PAGE, {}])
def test_other_methods_get_an_answer_that_names_the_allowed_ones(
    client: FlaskClient, method: str, accept: dict[str, str]
) -> None:
    answer = client.open("/login", method=method, headers=accept)
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_options_names_the_methods_to_anybody(client: FlaskClient) -> None:
    answer = client.options("/live")
    assert answer.status_code == 200
    assert "GET" in answer.headers["Allow"]
