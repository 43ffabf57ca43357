"""Printed statements and maintenance-fee files; what a household sees by the code on its paper."""

from flask import Blueprint

blueprint = Blueprint("document_pages", __name__)
