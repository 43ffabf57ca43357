"""The disputes desk."""

from flask import Blueprint

blueprint = Blueprint("dispute_pages", __name__)
