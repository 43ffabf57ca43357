"""Maintenance-fee files and printed statements for programs."""

from flask_smorest import Blueprint

from app.reports.fees import models  # noqa: F401 - until the routes below read them

blueprint = Blueprint(
    "fee_files", __name__, url_prefix="/api/v1/billing", description="Maintenance-fee files, documents"
)
