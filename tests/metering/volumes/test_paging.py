"""Pages of any size hold the same rows in the same order, and CSV and the command the same as JSON."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner, Result
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cli import main
from app.db import Database
from app.metering.volumes.model import Place, Volume
from tests.metering.staff import Staff
from tests.metering.volumes.city import DAY, City, kst

NOW = kst("2026-11-22", hour=15)
START, END = date(2026, 10, 1), date(2026, 12, 1)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Block(City):
    """Five complexes in two dongs and in none, two households each, a month of discharges, a meter that moved."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        dongs = ["1150010100", "1150010200"]
        for dong, name in zip(dongs, ("염창동", None), strict=True):
            self.add_dong(dong, name)
        self.complexes = [
            self.add_complex("W0G001", dongs[0], 100, "=cmd|' /C calc'!A0"),
            self.add_complex("W0G002", dongs[1], None, '가양 1단지, "별관"'),
            self.add_complex("W0G003", None, 0, "@SUM(1)\n둘째 줄"),
            self.add_complex("W0G004", dongs[0], 300),
            self.add_complex("W0G005"),
        ]
        meters = [self.add_meter(self.add_gateway(f"GW-{c.code}"), c) for c in self.complexes[:4]]
        self.households = [self.add_household(c, unit) for c in self.complexes for unit in ("101", "102")]
        for day in range(52):
            at = kst(START + day * DAY, day % 24, 7)
            self.throw(meters[day % 4], at, 100 + day, self.households[day % 10] if day % 3 else None)
        self.alive(meters[:3], kst("2026-10-20"), kst("2026-11-22", 14))
        self.book()
        self.move(meters[1], self.add_gateway("GW-new"), self.complexes[4], kst("2026-11-10", 11, 20))


@pytest.fixture
def block(app: Flask, database: Database) -> Block:
    return Block(database)


@pytest.fixture
def staff(app: Flask, block: Block) -> Staff:
    return Staff(app)


def pages_of(city: City, place: Place, limit: int, asked: dict[str, Any]) -> list[Volume]:
    rows, after = [], None
    for _ in range(100_000):
        page = city.page(place, limit=limit, after=after, **asked)
        rows += page.rows
        if page.next_after is None:
            return rows
        assert page.rows, "an empty page that says there are more"
        after = page.next_after
    raise AssertionError("the pages do not end")


ways = st.sampled_from(
    [(by, per) for by in ("hour", "day", "week", "month", "year", None) for per in (None, "dong", "complex")]
    + [(by, "household") for by in ("month", "year", None)]
)


@FEW
@given(ways, st.integers(1, 70) | st.sampled_from([1, 2, 500]), st.booleans(), st.integers(0, 3), st.integers(1, 58))
@time_machine.travel(NOW, tick=False)
def test_pages_of_any_size_are_the_one_large_page(
    block: Block, way: tuple[str | None, str | None], limit: int, compare: bool, offset: int, length: int
) -> None:
    by, per = way
    if by == "hour":
        length = length % 5 + 1
    first = START if per == "household" else START + 40 * DAY + offset * DAY
    end = END if per == "household" else first + length * DAY
    asked = {"by": by, "per": per, "compare": compare, "start": first, "end": end}
    dong = Place("dong", 0, "1150010100", "염창동")
    for place in (block.place, dong, block.complexes[1]):
        whole = block.read(place, **asked)
        assert pages_of(block, place, limit, asked) == whole
        assert len({(row.place, row.start) for row in whole}) == len(whole)
    if per is None:
        home = block.household(block.households[0])
        assert pages_of(block, home, limit, asked) == block.read(home, **asked)


@pytest.mark.parametrize("limit", [1, 3, 5000])
def test_a_client_that_follows_next_after_reads_every_row_once(staff: Staff, block: Block, limit: int) -> None:
    with time_machine.travel(NOW, tick=False):
        for query in (
            "by=day",
            "per=dong",
            "per=complex&by=month",
            "per=household&by=month",
            "by=hour&from=2026-11-21",
        ):
            query += "" if "from" in query else "&from=2026-10-01&to=2026-11-30"
            whole = staff.get(f"/districts/W0G/volumes?{query}&limit=5000").json["items"]
            rows, after = [], None
            for _ in range(len(whole) + 1):
                # As a careless client does it: the value goes into the address as it is.
                answer = staff.get(
                    f"/districts/W0G/volumes?{query}&limit={limit}" + (f"&after={after}" if after else "")
                )
                assert answer.status_code == 200, answer.text
                rows += answer.json["items"]
                after = answer.json["next_after"]
                if after is None:
                    break
            assert rows == whole, query


Type = Callable[..., Result]


@pytest.fixture
def typed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Type:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    return lambda *words: CliRunner().invoke(main, ["volumes", *words])


def flat(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "place"} | item["place"]


def unescaped(cell: str) -> str:
    return cell.removeprefix("'") if cell[:2] in ("'=", "'@", "'-", "'+") else cell


def as_text(value: Any) -> str:
    return "" if value is None else str(value)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("per=complex", ["--by", "complex"]),
        ("per=dong", ["--by", "dong"]),
        ("per=household", ["--by", "household"]),
        ("by=day", ["--by", "day"]),
        ("by=week", ["--by", "week"]),
    ],
)
def test_json_csv_and_the_command_give_the_same_rows(staff: Staff, typed: Type, query: str, words: list[str]) -> None:
    with time_machine.travel(NOW, tick=False):
        path = f"/districts/W0G/volumes?{query}&month=2026-10&compare=true"
        items = [flat(item) for item in staff.get(path).json["items"]]
        assert items
        answer = staff.get(f"{path}&format=csv&limit=1")
        lines = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))
        commanded = typed(*words, "--month", "2026-10", "--json")
        assert commanded.exit_code == 0, commanded.output
        assert [{name: row.get(name) for name in items[0]} for row in json.loads(commanded.stdout)] == items
        assert typed(*words, "--month", "2026-10", "--csv").stdout_bytes.decode() == answer.get_data().decode()
    assert len(lines) == len(items)
    for line, item in zip(lines, items, strict=True):
        assert {name: unescaped(cell) for name, cell in line.items()} == {name: as_text(item[name]) for name in line}


def test_a_spreadsheet_runs_no_name_as_a_formula_and_reads_korean(staff: Staff) -> None:
    with time_machine.travel(NOW, tick=False):
        answer = staff.get("/districts/W0G/volumes?per=complex&month=2026-10&format=csv")
    assert answer.mimetype == "text/csv"
    assert answer.get_data().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))
    names = [row["name"] for row in rows]
    assert names[:3] == ["'=cmd|' /C calc'!A0", '가양 1단지, "별관"', "'@SUM(1)\n둘째 줄"]
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    disposition = answer.headers["Content-Disposition"]
    assert disposition == "attachment; filename=volumes-ledger-W0G-complex-2026-10-01-2026-10-31.csv"


@pytest.mark.parametrize(
    "words",
    [
        *(["--month", "0000-01"], ["--month", "9999-12"], ["--from", "0001-01-01"], ["--to", "9999-12-31"]),
        *(["--month", "2026-13"], ["--from", "2026-11-02", "--to", "2026-11-01"], ["--from", "yesterday"]),
        *(["--by", "hour", "--from", "1980-01-01"], ["--by", "household", "--from", "2026-10-02"]),
        *(["--complex", "none"], ["--dong", "none"], ["--complex", "W0G001", "--dong", "1150010100"]),
        ["--district", "none"],
    ],
)
def test_the_command_refuses_with_a_sentence_in_both_languages(
    block: Block, typed: Type, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    told = []
    for language in ("en_US.UTF-8", "ko_KR.UTF-8"):
        monkeypatch.setenv("LC_ALL", language)
        answer = typed(*words)
        assert answer.exit_code == 2, (answer.output, answer.exception)
        assert not answer.stdout
        told.append(answer.stderr)
    assert told[0] != told[1]
    assert all(text.strip() and "Traceback" not in text for text in told)
