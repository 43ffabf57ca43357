"""Other ways to take the same requests, served the same way: the obvious one, and ones that hardly do anything."""

from typing import Any

from flask import Flask, Response, request

from app.access.signatures import Verifier
from app.db import Database
from app.metering.envelopes import decompress
from app.metering.ledger import INSERT, Row
from app.metering.models import Discharge
from app.metering.schemas import BatchSchema
from app.settings import from_environment
from app.times import now
from billing.days import service_day

OK = Response(b'{"results":[]}', content_type="application/json").get_data()
LIMIT = 2 * 1024 * 1024


def obvious() -> Flask:
    """marshmallow `many=True` and ORM `add_all`: no repetition is noticed, no card looked up, no rollup kept."""
    app = Flask(__name__)
    database = Database(from_environment().database_url)
    verifier, schema = Verifier(database), BatchSchema()

    @app.post("/<path:_path>")
    def post(_path: str) -> Response:
        received_at = now()
        body = request.get_data(cache=False)
        signer = verifier.verify(request, body, received_at)
        content = decompress(body, request.headers.get("Content-Encoding", ""), LIMIT)
        batch = schema.loads(content)
        with database.begin() as session:
            session.add_all(_discharge(record, signer, received_at) for record in batch["discharges"])
        return Response(OK, content_type="application/json")

    return app


def _discharge(record: dict[str, Any], signer: Any, received_at: Any) -> Discharge:
    return Discharge(
        district_id=signer.district_id,
        gateway_id=signer.gateway_id,
        epoch_no=1,
        seq=record["seq"],
        service_day=service_day(record["occurred_at"]),
        meter_id=1,
        complex_id=1,
        card_hash=bytes.fromhex(record["card"]["hash"]),
        occurred_at=record["occurred_at"],
        claimed_at=record["occurred_at"],
        clock=record["clock"],
        outcome=record["outcome"],
        gross_before_g=record["gross_before_g"],
        gross_after_g=record["gross_after_g"],
        net_g=record["net_g"],
        billable=True,
        flags="[]",
        evidence=str(record["evidence"]),
        content_hash=b"",
        received_at=received_at,
        booked_at=received_at,
    )


def one_row() -> Flask:
    """Checks the signature and commits one ready-made row: what a request costs before it does anything useful."""
    app = Flask(__name__)
    database = Database(from_environment().database_url)
    engine = database.engine
    verifier = Verifier(database)
    marks = INSERT if database.is_sqlite else INSERT.replace("?", "%s")

    @app.post("/<path:_path>")
    def post(_path: str) -> Response:
        received_at = now()
        body = request.get_data(cache=False)
        signer = verifier.verify(request, body, received_at)
        with engine.begin() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute(marks, _row(signer.gateway_id, request.headers["X-Number"], received_at)).close()
        return Response(OK, content_type="application/json")

    return app


def _row(gateway_id: int, number: str, moment: Any) -> Row:
    return Row(
        1, gateway_id, 1, int(number), service_day(moment), 1, 1, None, None, None, moment, None, None, moment,
        "synced", "settled", 12000, 12410, 410, False, "[]", "{}", b"", moment, moment,
    )  # fmt: skip


def empty() -> Flask:
    """Reads the body and answers: the floor of HTTP itself."""
    app = Flask(__name__)

    @app.post("/<path:_path>")
    def post(_path: str) -> Response:
        request.get_data(cache=False)
        return Response(OK, content_type="application/json")

    return app
