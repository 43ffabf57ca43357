"""The people's API of volumes: complexes, dongs, the district and households, by hour, day, week, month or year."""

from collections.abc import Iterator
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import RAISE

from app.access import rules
from app.access.accounts import current_district_id, current_reach
from app.context import service
from app.languages import choose_language
from app.metering.volumes import places, tables
from app.metering.volumes.answers import Answer, answer, every_row
from app.metering.volumes.model import Kind
from app.metering.volumes.schemas import (
    ComplexPage,
    DongList,
    ListArguments,
    VolumeArguments,
    VolumePage,
    VolumeSchema,
)
from app.problems import Problem
from app.texts import Refused
from app.times import now

blueprint = Blueprint("volumes", __name__, url_prefix="/api/v1", description="What was thrown away, where and when")

CSV = "text/csv"
NAMED_BY_ID = "<int(max=2147483647):place>"
AS_CSV = {"schema": {"type": "string", "description": "The whole range as a table, UTF-8 with a byte order mark"}}
or_csv = blueprint.doc(responses={200: {"content": {"application/json": {"schema": VolumePage}, CSV: AS_CSV}}})


@blueprint.get("/complexes")
@rules.scope("metering:read", reach="complex")
@blueprint.arguments(ListArguments, location="query", unknown=RAISE)
@blueprint.response(200, ComplexPage)
def list_complexes(wanted: dict[str, Any]) -> dict[str, Any]:
    """The complexes of the district that the reader sees, by id."""
    with service().database.reading() as connection:
        items = places.complexes(connection, current_district_id(), **wanted, reach=current_reach())
    return {"items": items, "next_after": items[-1].id if len(items) == wanted["limit"] else None}


@blueprint.get("/dongs")
@rules.scope("metering:read")
@blueprint.response(200, DongList)
def list_dongs() -> dict[str, Any]:
    """The dongs of the district, by code."""
    with service().database.reading() as connection:
        found = places.dongs(connection, current_district_id())
    return {"items": [{"code": code, "name": name} for code, name in found]}


@blueprint.get(f"/complexes/{NAMED_BY_ID}/volumes")
@rules.scope("metering:read", reach="complex")
@blueprint.arguments(VolumeArguments, location="query", unknown=RAISE)
@blueprint.response(200, VolumePage)
@or_csv
def complex_volumes(wanted: dict[str, Any], place: int) -> Any:
    """Volumes of a complex: what was thrown into its meters."""
    return _volumes("complex", place, wanted)


@blueprint.get(f"/households/{NAMED_BY_ID}/volumes")
@rules.scope("metering:read", reach="complex")
@blueprint.arguments(VolumeArguments, location="query", unknown=RAISE)
@blueprint.response(200, VolumePage)
@or_csv
def household_volumes(wanted: dict[str, Any], place: int) -> Any:
    """Volumes of a household, at whichever meter; the coverage is that of its complex."""
    return _volumes("household", place, wanted)


@blueprint.get("/dongs/<place>/volumes")
@rules.scope("metering:read")
@blueprint.arguments(VolumeArguments, location="query", unknown=RAISE)
@blueprint.response(200, VolumePage)
@or_csv
def dong_volumes(wanted: dict[str, Any], place: str) -> Any:
    """Volumes of a dong: of all complexes in it."""
    return _volumes("dong", place, wanted)


@blueprint.get("/districts/<place>/volumes")
@rules.scope("metering:read")
@blueprint.arguments(VolumeArguments, location="query", unknown=RAISE)
@blueprint.response(200, VolumePage)
@or_csv
def district_volumes(wanted: dict[str, Any], place: str) -> Any:
    """Volumes of the reader's district."""
    return _volumes("district", place, wanted)


@blueprint.after_request
def vary(response: Response) -> Response:
    """Tell caches that the same address answers in JSON or CSV."""
    response.vary.add("Accept")
    return response


def _volumes(kind: Kind, key: str | int, wanted: dict[str, Any]) -> Any:
    district_id, moment = current_district_id(), now()
    with service().database.reading() as connection:
        place = places.place(connection, district_id, kind, key, current_reach())
        asked = Answer(district_id, place, wanted, moment)
        try:
            if not _wants_csv(wanted):
                return answer(connection, asked)
            answer(connection, asked._replace(arguments=wanted | {"limit": 1}))  # says now what is wrong with it
        except Refused as refused:
            told = [text.said(choose_language()) for text in refused.texts]
            raise Problem("invalid", errors={"source": told}) from refused
    return _csv_response(asked)


def _wants_csv(wanted: dict[str, Any]) -> bool:
    if "format" in wanted:
        return bool(wanted["format"] == "csv")
    return request.accept_mimetypes.best_match(["application/json", CSV]) == CSV


def _csv_response(asked: Answer) -> Response:
    database = service().database

    def lines() -> Iterator[str]:
        schema = VolumeSchema()
        with database.reading() as connection:
            yield from tables.as_csv((schema.dump(row) for row in every_row(connection, asked)), asked.columns)

    response = Response(lines(), mimetype=CSV)
    response.headers.set("Content-Disposition", "attachment", filename=f"{asked.file_name}.csv")
    return response
