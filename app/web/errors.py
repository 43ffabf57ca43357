"""Problems as pages for browsers and as problem+json for programs, by Accept."""

from flask import Response, g, make_response, render_template
from werkzeug.exceptions import HTTPException

from app.access.enforce import wants_page
from app.problems import HTTP_SLUGS, Problem, from_http_exception


def answer(problem: Problem) -> Response:
    """The problem in the form that the reader can use."""
    return page(problem, problem.response()) if wants_page() else problem.response()


def answer_http(error: HTTPException) -> Response:
    """What Flask itself refuses, likewise."""
    plain = from_http_exception(error)
    slug = HTTP_SLUGS.get(plain.status_code)
    return page(Problem(slug), plain) if slug and wants_page() else plain


def page(problem: Problem, plain: Response) -> Response:
    """An HTML page with the status and headers of the plain answer. It reads nothing from the database."""
    response = make_response(
        render_template("error.html", problem=problem, request_id=g.get("request_id")), plain.status_code
    )
    for name in ("Allow", "Retry-After"):
        if name in plain.headers:
            response.headers[name] = plain.headers[name]
    return response
