"""The month's board, a complex's statement and a household's."""

from flask import Blueprint

blueprint = Blueprint("billing_pages", __name__)
