"""Payments and arrears for programs."""

from flask_smorest import Blueprint

from app.statements.payments import models  # noqa: F401 - until the routes below read them

blueprint = Blueprint("payments", __name__, url_prefix="/api/v1/billing", description="Payments and arrears")
