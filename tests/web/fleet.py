"""A district whose gateways have reported: one well, one with trouble, one never claimed; and a card at the bin."""

from datetime import timedelta
from typing import Any

import msgspec
from flask import Flask

from app.registry import service as registry
from app.times import format_instant, now
from tests.access.people import add_person, database_of
from tests.builders import Box, Town

NUMBER = "0D00319CD0"


class Fleet:
    """GW-1 runs two meters and is well; GW-2 has a fault, a closed port and missing numbers; GW-3 has no key."""

    def __init__(self, app: Flask) -> None:
        self.database = database_of(app)
        self.town = Town(self.database)
        self.town.add_gateway("GW-2", ["W0G-M3"])
        with self.database.begin() as session:
            registry.add_gateway(session, self.town.district.id, "GW-3", now())
        add_person(self.database)
        add_person(self.database, "lee", scopes=("fleet:read",))
        self.town.move_in("1203", "1F00644BB6")
        self.well, self.ill = Box(app.test_client(), code="GW-1"), Box(app.test_client(), code="GW-2")
        self.well.post([self.well.record(1)])
        self.ill.post([self.ill.record(1, meter="W0G-M3"), self.ill.record(5, meter="W0G-M3")])
        self.report(self.well, ["W0G-M1", "W0G-M2"])
        self.report(self.ill, ["W0G-M3"], faults=["comm"], closed=["scale"])

    def report(
        self, box: Box, meters: list[str], faults: list[str] | None = None, closed: list[str] | None = None, **more: Any
    ) -> Any:
        """Post a status."""
        ports = {name: port(is_open=name not in (closed or ())) for name in ("reader", "scale", "lid")}
        rows = [
            {
                "meter": meter,
                "alive": [],
                "gross_g": 41_230,
                "fill_percent": 41,
                "zero_drift_g": -20,
                "lid": "closed",
                "faults": faults or [],
                "ports": ports,
            }
            for meter in meters
        ]
        body = {name: value for name, value in box.envelope([]).items() if name != "discharges"} | {
            "clock": "synced",
            "firmware": "0.2.0",
            "spool": {"depth": 3, "oldest_age_s": 7200},
            "meters": rows,
        }
        path = f"/api/v1/gateways/{box.code}/status"
        answer = box.post_body(msgspec.json.encode(body | more), path)
        assert answer.status_code == 200, answer.text
        return answer.json

    def hold_card(self, number: str = NUMBER) -> dict[str, str]:
        """Somebody holds a card that the bin refuses; the card as it travels."""
        card = self.town.card(number)
        touch = {
            "meter": "W0G-M1",
            "card": card,
            "reason": "card_unknown",
            "at": format_instant(now() - timedelta(seconds=2)),
            "clock": "synced",
            "boot_id": self.well.boot_id,
            "mono_ms": self.well.mono_ms - 2000,
        }
        self.report(self.well, ["W0G-M1", "W0G-M2"], touches=[touch])
        return card


def port(*, is_open: bool) -> dict[str, Any]:
    """A PORT of docs/gateway-api.md."""
    error = None if is_open else "unplugged"
    noise = {"rejects": {"checksum": 2}, "noise_bytes": 14}
    return {"open": is_open, "frames": 51_234, **noise, "errors": int(not is_open), "last_error": error}
