"""Tariffs, payer classes, each complex's terms, limits; what a new tariff would have cost."""

from flask import Blueprint

blueprint = Blueprint("tariff_pages", __name__)
