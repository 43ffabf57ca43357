"""Manual adjustments, voids, estimates and usage that came too late."""

from flask import Blueprint

blueprint = Blueprint("billing_correction_pages", __name__)
