"""Payments and what is still owed."""

from flask import Blueprint

blueprint = Blueprint("payment_pages", __name__)
