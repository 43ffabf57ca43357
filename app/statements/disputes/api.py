"""Disputes for programs."""

from flask_smorest import Blueprint

from app.statements.disputes import models  # noqa: F401 - until the routes below read them

blueprint = Blueprint("disputes", __name__, url_prefix="/api/v1/billing", description="Objections to lines")
