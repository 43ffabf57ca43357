"""What is asked about volumes and what is told, as documented in OpenAPI. Unknown arguments are refused."""

from typing import Any

from flask_babel import lazy_gettext as _
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.metering.reported.models import LEVELS
from app.metering.volumes.asking import EARLIEST, LATEST, MOST_ROWS, SOURCES, USUAL_ROWS
from app.metering.volumes.model import CONDITIONS, PER
from app.metering.volumes.slots import BY
from app.schemas import MAX_ID, Strict

COVERAGE = (
    "Meters that stood there in the interval; `meters_reporting` were alive in it, whether or not anything was thrown "
    "away. A fall with all meters reporting is real; a fall with meters missing is not known to be one."
)


class ListArguments(Strict):
    """Which part of a list."""

    after = fields.Integer(load_default=0, validate=validate.Range(0, MAX_ID), metadata={"description": "Last id seen"})
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))
    search = fields.String(load_default="", validate=validate.Length(max=100), metadata={"description": "Name or code"})


class VolumeArguments(Strict):
    """Which volumes. Days are service days in Asia/Seoul, both included."""

    by = fields.String(validate=validate.OneOf(BY), metadata={"description": "Cut the range into these intervals"})
    per = fields.String(validate=validate.OneOf(PER), metadata={"description": "A row for each of these inside"})
    month = fields.String(
        validate=validate.Regexp(r"\A[0-9]{4}-(0[1-9]|1[0-2])\Z"),
        metadata={"description": "A calendar month such as 2026-10, instead of from and to"},
    )
    from_ = fields.Date(data_key="from", metadata={"description": "First day"})
    to = fields.Date(metadata={"description": "Last day, included; default: today"})
    compare = fields.Boolean(
        load_default=False, metadata={"description": "Add what is usual, and so tell a fall from an ordinary day"}
    )
    source = fields.String(
        load_default="ledger",
        validate=validate.OneOf(SOURCES),
        metadata={"description": "Our own ledger, or totals that others published and that were imported"},
    )
    level = fields.String(
        validate=validate.OneOf(LEVELS),
        metadata={"description": "Of a source that published several; default: the narrowest that can be shown so"},
    )
    format = fields.String(
        validate=validate.OneOf(["json", "csv"]), metadata={"description": "Default: as Accept says"}
    )
    after = fields.String(validate=validate.Length(max=64), metadata={"description": "`next_after` of the page before"})
    limit = fields.Integer(load_default=USUAL_ROWS, validate=validate.Range(1, MOST_ROWS))

    @validates_schema
    def check_range(self, data: dict[str, Any], **_options: Any) -> None:
        for name in ("month", "from_", "to"):
            if name in data and not EARLIEST.isoformat() <= f"{data[name]}-01"[:10] <= LATEST.isoformat():
                raise ValidationError([_("Only days from 1980 to 2199 can be asked for.")], name.rstrip("_"))
        if "month" in data and ("from_" in data or "to" in data):
            raise ValidationError([_("Give either a month, or a first and a last day.")], "month")
        if "from_" in data and "to" in data and data["from_"] > data["to"]:
            raise ValidationError([_("The first day comes after the last.")], "from")


class PlaceSchema(Schema):
    """A place. Districts and dongs are named by `code`, complexes and households by `id`."""

    kind = fields.String(required=True)
    id = fields.Integer(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)


class VolumeSchema(Schema):
    """What was thrown away at a place in an interval. Weights in whole grams.

    From the ledger with the coverage by meters; from another source with `won` and the coverage by periods and places,
    and null where nothing was reported, which is not zero.
    """

    place = fields.Nested(PlaceSchema)
    start = fields.String(metadata={"description": "First day, or the hour's beginning, in Asia/Seoul"})
    end = fields.String(metadata={"description": "The first day or instant after it"})
    count = fields.Integer(attribute="discharges", allow_none=True, metadata={"description": "Discharges weighed"})
    grams = fields.Integer(allow_none=True)
    won = fields.Integer(allow_none=True, metadata={"description": "Only of reported volumes"})
    periods = fields.Integer(metadata={"description": "Reported: days or months in the interval, times places"})
    periods_reporting = fields.Integer()
    places = fields.Integer(metadata={"description": "Reported: places known to the source"})
    places_reporting = fields.Integer()
    suspense_count = fields.Integer(metadata={"description": "Of these, without a household"})
    suspense_grams = fields.Integer()
    households = fields.Integer()
    grams_per_household_day = fields.Float(allow_none=True, metadata={"description": "To a tenth"})
    meters = fields.Integer(metadata={"description": COVERAGE})
    meters_reporting = fields.Integer(metadata={"description": "Alive in the interval at some time"})
    silent_meters = fields.Integer(metadata={"description": "Answered for less than 95 % of their gateway's time"})
    gateways = fields.Integer()
    gateways_reporting = fields.Integer()
    gateways_out = fields.Integer(metadata={"description": "Without any living meter for more than 5 % of the time"})
    alive_share = fields.Float(
        allow_none=True, metadata={"description": "Share of their time in which meters were alive"}
    )
    usual_grams = fields.Integer(allow_none=True, metadata={"description": "Only with compare"})
    condition = fields.String(
        validate=validate.OneOf(CONDITIONS),
        metadata={
            "description": "What the figures are worth: `fall` is a real one, `outage` and `silent_meter` are not"
        },
    )


class VolumePage(Schema):
    """Volumes in order of place and time."""

    source = fields.String()
    items = fields.List(fields.Nested(VolumeSchema))
    next_after = fields.String(allow_none=True)


class ComplexSchema(Schema):
    """A complex of the district."""

    id = fields.Integer()
    code = fields.String()
    name = fields.String()
    dong_code = fields.String(allow_none=True)
    dong_name = fields.String(allow_none=True)
    households = fields.Integer(metadata={"description": "As declared to K-eco, else as registered"})
    meters = fields.Integer(metadata={"description": "Standing there now"})


class ComplexPage(Schema):
    """Complexes, by id."""

    items = fields.List(fields.Nested(ComplexSchema))
    next_after = fields.Integer(allow_none=True)


class DongSchema(Schema):
    """A legal dong."""

    code = fields.String()
    name = fields.String(allow_none=True)


class DongList(Schema):
    """All dongs, by code."""

    items = fields.List(fields.Nested(DongSchema))
