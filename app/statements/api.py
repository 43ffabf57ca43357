"""Monthly runs and statements for programs."""

from flask_smorest import Blueprint

from app.statements import models  # noqa: F401 - until the routes below read them

blueprint = Blueprint("billing", __name__, url_prefix="/api/v1/billing", description="Monthly runs and statements")
