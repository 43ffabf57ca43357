"""Tariffs, payer classes and terms for programs."""

from flask_smorest import Blueprint

from app.statements.terms import models  # noqa: F401 - until the routes below read them

blueprint = Blueprint("billing_terms", __name__, url_prefix="/api/v1/billing", description="Tariffs and billing terms")
