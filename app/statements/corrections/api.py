"""Adjustments, voids, late usage and estimates for programs."""

from flask_smorest import Blueprint

from app.statements.estimates import models  # noqa: F401 - until the routes below read them

blueprint = Blueprint(
    "billing_corrections",
    __name__,
    url_prefix="/api/v1/billing",
    description="Adjustments, voids, late usage, estimates",
)
