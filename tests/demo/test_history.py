"""The demo's history in a database: whole, agreeing with its rollups, and never over what gateways stored."""

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Base, Database, fetch, to_microseconds
from app.demo import district
from app.demo.history import History
from app.demo.loading import load
from app.demo.town import SITES, gateway_code
from app.metering import cursors
from app.metering.effective import Difference
from app.metering.liveness import store_intervals
from app.metering.service import check_rollups
from app.registry.models import CardAssignment, Complex, Household, MeterAssignment, Tenancy
from app.registry.service import add_gateway, install_meter
from billing.days import SEOUL, service_day

NOW = datetime(2026, 6, 20, 5, 30, 12, 345678, UTC)
TODAY = service_day(NOW)
ON_ONE = pytest.mark.parametrize("dialect", ["sqlite"])  # what no database decides
SUMS = ("meter_hour", "complex_day", "household_month", "alive_hour", "alive_day", "alive_month")
BY_CHANCE = ("card_hash",)  # of the district's key, which is another one in each database
Story = dict[str, list[Any]]


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    database = Database(database_url, pool_size=2)
    load(database, tmp_path / "var", NOW)
    yield database
    database.dispose()


def rows(database: Database, sql: str, **parameters: Any) -> list[Any]:
    with database.engine.connect().execution_options(read_only=True) as connection:
        return [tuple(row) for row in connection.execute(sa.text(sql), parameters)]


def everything(database: Database) -> dict[str, list[str]]:
    with database.begin() as session:
        tables = Base.metadata.tables.items()
        return {name: sorted(map(repr, session.execute(sa.select(table)))) for name, table in tables}


def story(database: Database) -> Story:
    """What a history says, whichever parts it was made in: ledger, cursors and sums."""
    tables = Base.metadata.tables
    wanted = {name: list(tables[name].c) for name in (*SUMS, "discharge")}
    wanted["discharge"] = [column for column in tables["discharge"].c if column.name not in BY_CHANCE]
    epochs = tables["gateway_epoch"].c
    wanted["gateway_epoch"] = [epochs.gateway_id, epochs.epoch, epochs.high_seq, epochs.last_occurred_at]
    with database.begin() as session:
        return {name: sorted(map(repr, session.execute(sa.select(*columns)))) for name, columns in wanted.items()}


def disagreements(database: Database) -> list[Difference]:
    return check_rollups(database, 1)


def test_a_history_agrees_with_its_rollups_before_and_after_a_top_up(database: Database) -> None:
    booked = History(database, days=40).fill(NOW)
    assert booked == pytest.approx(988 * 40 * 0.9, rel=0.1)
    assert disagreements(database) == []
    more = History(database, days=40).fill(NOW + timedelta(hours=30))
    assert more == pytest.approx(988 * 0.9 * 30 / 24, rel=0.3)
    assert disagreements(database) == []


def test_a_second_run_changes_nothing(database: Database) -> None:
    History(database, days=3).fill(NOW)
    before = everything(database)
    assert History(database, days=3).fill(NOW + timedelta(seconds=20)) == 0
    assert everything(database) == before


def test_the_numbers_of_a_gateway_have_neither_gap_nor_end_before_the_cursor(database: Database) -> None:
    History(database, days=3).fill(NOW)
    found = rows(
        database,
        "SELECT e.high_seq, count(*), min(d.seq), max(d.seq), max(d.occurred_at) = e.last_occurred_at, e.missing "
        "FROM gateway_epoch e JOIN discharge d ON d.gateway_id = e.gateway_id AND d.epoch_no = e.epoch_no "
        "GROUP BY e.gateway_id, e.high_seq, e.last_occurred_at, e.missing",
    )
    assert len(found) == 3
    for high_seq, count, first, last, is_newest, missing in found:
        assert (count, first, last, missing) == (high_seq, 1, high_seq, "[]")
        assert is_newest


def test_the_rows_are_such_as_ingest_books(database: Database) -> None:
    History(database, days=40).fill(NOW)
    foreign = rows(
        database,
        "SELECT count(*) FROM discharge d WHERE household_id IS NOT NULL AND NOT EXISTS ("
        "SELECT 1 FROM card c JOIN card_assignment a ON a.card_id = c.id JOIN tenancy t ON t.id = a.tenancy_id "
        "WHERE c.card_hash = d.card_hash AND t.id = d.tenancy_id AND t.household_id = d.household_id)",
    )
    strangers = rows(
        database,
        "SELECT count(*), sum(CASE WHEN u.card_hash IS NULL THEN 1 ELSE 0 END) FROM discharge d "
        "LEFT JOIN unknown_card u ON u.card_hash = d.card_hash WHERE d.household_id IS NULL",
    )
    late = rows(
        database, "SELECT count(*) FROM discharge WHERE NOT (occurred_at < received_at AND received_at < booked_at)"
    )
    unbilled = rows(
        database,
        "SELECT DISTINCT outcome FROM discharge WHERE household_id IS NOT NULL AND NOT billable ORDER BY outcome",
    )
    assert foreign == late == [(0,)]
    assert strangers[0][0] > 50
    assert strangers[0][1] == 0
    assert [outcome for (outcome,) in unbilled] == ["empty_open", "negative", "recovered", "unsettled"]


@ON_ONE
def test_rows_that_went_in_unchecked_would_pass_the_checks(database: Database) -> None:
    History(database, days=40).fill(NOW)
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
    with pytest.raises(sa.exc.IntegrityError), database.engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO meter_alive SELECT 1, 1, 'x', 1, 5, 5, 5, 1, 1"))


def test_nothing_was_discharged_where_no_meter_listened(database: Database) -> None:
    History(database, days=40).fill(NOW)
    deaf = rows(
        database,
        "SELECT count(*) FROM discharge d WHERE NOT EXISTS (SELECT 1 FROM meter_alive a "
        "WHERE a.district_id = d.district_id AND a.meter_id = d.meter_id AND a.started_at <= d.occurred_at "
        "AND a.ended_at > d.occurred_at)",
    )
    assert deaf == [(0,)]


@pytest.fixture
def copies(sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Makes more databases with the demo's town in them and nothing else."""
    loaded = tmp_path / "loaded.db"
    shutil.copyfile(sqlite_template, loaded)
    database = Database(f"sqlite:///{loaded}")
    load(database, tmp_path / "loaded", NOW)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    made: list[Database] = []

    def copy() -> Database:
        path = tmp_path / f"copy-{len(made)}.db"
        shutil.copyfile(loaded, path)
        made.append(Database(f"sqlite:///{path}"))
        return made[-1]

    yield copy
    for database in made:
        database.dispose()


def test_an_interrupted_history_goes_on_where_it_stopped(database: Database, copies: Callable[[], Database]) -> None:
    steps = iter([False, False, True])
    History(database, days=40).fill(NOW, lambda: next(steps))
    assert disagreements(database) == []
    stopped = rows(database, "SELECT count(*) FROM discharge")
    History(database, days=40).fill(NOW)
    at_once = copies()
    History(at_once, days=40).fill(NOW)
    assert (0,) < stopped[0] < rows(database, "SELECT count(*) FROM discharge")[0]
    assert story(database) == story(at_once)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(40, 3 * 86_400), max_size=3))
def test_a_history_made_in_parts_is_the_same(copies: Callable[[], Database], seconds: list[int]) -> None:
    parts, at_once = copies(), copies()
    for before in sorted(seconds, reverse=True):
        History(parts, days=2).fill(NOW - timedelta(seconds=before))
    began = min(
        [TODAY - timedelta(2), *(service_day(NOW - timedelta(seconds=each)) - timedelta(2) for each in seconds)]
    )
    History(parts, days=2).fill(NOW)
    History(at_once, days=(TODAY - began).days).fill(NOW)
    assert story(parts) == story(at_once)


def test_two_that_run_at_once_make_one_history(database: Database, copies: Callable[[], Database]) -> None:
    other = Database(database.engine.url.render_as_string(hide_password=False), pool_size=1)
    threads = [threading.Thread(target=History(each, days=12).fill, args=(NOW,)) for each in (database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.dispose()
    at_once = copies()
    History(at_once, days=12).fill(NOW)
    assert story(database) == story(at_once)
    assert disagreements(database) == []


def days_of(database: Database, code: str) -> dict[date, tuple[int, int, int]]:
    """By service day of a complex: grams, meters that were alive, and meters with a discharge."""
    with database.begin() as session:
        tables = Base.metadata.tables
        here = session.scalars(sa.select(Complex.id).where(Complex.code == code)).one()
        ledger, sums, alive = (tables[name].c for name in ("discharge", "complex_day", "alive_day"))

        def by_day(day: Any, value: Any, complex_id: Any) -> dict[date, int]:
            found = session.execute(sa.select(day, value).where(complex_id == here).group_by(day))
            return {each: int(number) for each, number in found}

        grams = by_day(sums.service_day, sa.func.sum(sums.weighed_g), sums.complex_id)
        listening = by_day(alive.service_day, sa.func.count(alive.meter_id.distinct()), alive.complex_id)
        used = by_day(ledger.service_day, sa.func.count(ledger.meter_id.distinct()), ledger.complex_id)
    days = [TODAY - timedelta(number) for number in range(40, 0, -1)]
    return {day: (grams.get(day, 0), listening.get(day, 0), used.get(day, 0)) for day in days}


def test_an_outage_a_silent_meter_and_a_real_fall_can_be_told_apart(database: Database) -> None:
    History(database, days=40).fill(NOW)
    fall, outage, silent = (days_of(database, site.code) for site in SITES)
    for days, meters in ((fall, 4), (outage, 5), (silent, 5)):
        dark = {day for day, (_, listening, _) in days.items() if listening < meters}
        expected = {
            id(fall): set[date](),
            id(outage): {TODAY - timedelta(35), TODAY - timedelta(34)},
            id(silent): {TODAY - timedelta(number) for number in range(16, 22)},
        }
        assert dark == expected[id(days)]
    for number in (34, 35):
        assert outage[TODAY - timedelta(number)] == (0, 0, 0)
    for number in range(16, 22):
        grams, listening, used = silent[TODAY - timedelta(number)]
        assert (listening, used) == (4, 4)
        assert grams > 0.7 * silent[TODAY - timedelta(number + 7)][0]
    fallen = [fall[TODAY - timedelta(number)][0] for number in range(8, 13)]
    usual = [fall[TODAY - timedelta(number + 7)][0] for number in range(8, 13)]
    assert 0.4 < sum(fallen) / sum(usual) < 0.6


def test_the_stories_are_told_with_their_days(database: Database) -> None:
    history = History(database, days=40)
    assert history.stories() == []
    history.fill(NOW)
    told = [text.en for text in history.stories()]
    assert [text.split(",")[0] for text in told] == ["from 2026-05-16", "from 2026-05-30", "from 2026-06-08"]
    assert "W0G-GW-008" in told[0]
    assert "W0G-03B-02-1" in told[1]
    assert all(ord(max(text.ko)) > 0xAC00 for text in history.stories())


def test_what_a_gateway_stored_itself_is_left_alone(database: Database) -> None:
    History(database, days=2).fill(NOW)
    stopped = NOW + timedelta(minutes=20)
    box_was_there(database, NOW + timedelta(seconds=10), stopped)
    for later in (stopped + timedelta(minutes=6), stopped + timedelta(hours=5)):
        assert History(database, days=2).fill(later) > 0
    since = instant(database, NOW)
    (first,) = rows(
        database,
        "SELECT min(started_at) FROM meter_alive WHERE boot_id = 'history' AND gateway_id = 1 AND started_at >= :at",
        at=since,
    )
    assert first == (instant(database, milliseconds(stopped + timedelta(minutes=6))),)
    assert overlaps(database) == []
    assert disagreements(database) == []


def test_a_demo_without_history_gets_one_before_its_first_contact(database: Database) -> None:
    there = NOW - timedelta(days=3)
    box_was_there(database, there, there + timedelta(hours=1))
    History(database, days=10).fill(NOW)
    found = rows(
        database,
        "SELECT min(started_at), max(CASE WHEN started_at < :at THEN ended_at END), "
        "min(CASE WHEN started_at > :at THEN started_at END) FROM meter_alive WHERE boot_id = 'history' "
        "AND gateway_id = 1",
        at=instant(database, there),
    )
    began = datetime.combine(TODAY - timedelta(10), time(), SEOUL)
    edges = (began, there - timedelta(minutes=1), there + timedelta(hours=1, minutes=6))
    assert found == [tuple(instant(database, milliseconds(edge)) for edge in edges)]
    assert overlaps(database) == []
    assert disagreements(database) == []


def milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def overlaps(database: Database) -> list[Any]:
    """Two alive intervals of a meter that share a time."""
    return rows(
        database,
        "SELECT one.meter_id, one.started_at FROM meter_alive one JOIN meter_alive other "
        "ON one.meter_id = other.meter_id AND one.started_at < other.ended_at AND other.started_at < one.ended_at "
        "AND (one.boot_id, one.mono_ms) < (other.boot_id, other.mono_ms)",
    )


def instant(database: Database, moment: datetime) -> Any:
    return to_microseconds(moment) if database.is_sqlite else moment


def box_was_there(database: Database, start: datetime, end: datetime) -> None:
    """What the first site's gateway leaves: a contact at its start and at its end, and that all its meters answered."""
    start, end = milliseconds(start), milliseconds(end)
    with database.engine.begin() as connection:
        ((sql, parameters),) = cursors.reading([(1, 1)])
        epoch = (1, 1, "9f2c4be01a77d035")
        cursor = cursors.open_cursors([epoch], fetch(connection, sql, *parameters))[epoch]
        for contact in (start, end):
            cursors.save(connection, [cursor], contact)
        meters = connection.scalars(sa.select(MeterAssignment.meter_id).where(MeterAssignment.gateway_id == 1)).all()
        same = {"district_id": 1, "gateway_id": 1, "complex_id": 1, "boot_id": "box", "mono_ms": 1_200_000}
        times = {"started_at": start, "ended_at": end, "received_at": end}
        store_intervals(connection, [{"meter_id": meter, **same, **times} for meter in meters])


def test_whoever_has_moved_out_discharges_no_more(database: Database) -> None:
    gone_at = NOW - timedelta(days=1)
    with database.begin() as session:
        tenancy = session.scalars(sa.select(Tenancy).order_by(Tenancy.id).limit(1)).one()
        tenancy.valid_to = gone_at
        held = sa.select(CardAssignment).where(CardAssignment.tenancy_id == tenancy.id)
        session.scalars(held).one().valid_to = gone_at
        household = tenancy.household_id
    History(database, days=20).fill(NOW - timedelta(days=2))
    History(database, days=20).fill(NOW)
    History(database, days=20).fill(NOW + timedelta(days=10))
    (newest,) = rows(database, "SELECT max(service_day) FROM discharge WHERE household_id = :id", id=household)
    assert str(newest[0]) < str(gone_at.date())


@pytest.fixture
def small_district(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole district that is small: ten complexes instead of 149."""
    monkeypatch.setattr(district, "COMPLEXES", 10)
    monkeypatch.setattr(district, "HOUSEHOLDS", 1600)
    monkeypatch.setattr(district, "METERS", 30)


@pytest.mark.usefixtures("small_district")
def test_a_whole_district_gets_a_history_and_keeps_up(database: Database, tmp_path: Path) -> None:
    for _ in range(2):
        load(database, tmp_path / "var", NOW, full=True)
        counted = [rows(database, f"SELECT count(*) FROM {name}")[0][0] for name in ("complex", "household", "meter")]
        assert counted == [10, 1600, 30]
    shares: list[float] = []
    booked = History(database, days=10).fill(NOW, progress=shares.append)
    assert booked == pytest.approx(1600 * 10 * 0.9, rel=0.2)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert rows(database, "SELECT count(DISTINCT gateway_id) FROM discharge") == [(10,)]
    simulated = [gateway_code(site.code) for site in SITES]
    later = NOW + timedelta(minutes=1)
    History(database, days=10).fill(later, without=simulated)
    silent = rows(
        database,
        "SELECT g.code FROM gateway g WHERE NOT EXISTS (SELECT 1 FROM meter_alive a WHERE a.gateway_id = g.id "
        "AND a.ended_at > :now) ORDER BY g.code",
        now=instant(database, NOW),
    )
    assert [code for (code,) in silent] == sorted(simulated)
    assert disagreements(database) == []


@ON_ONE
@pytest.mark.usefixtures("small_district")
def test_complexes_that_the_office_imported_are_taken_instead_of_invented_ones(
    database: Database, tmp_path: Path
) -> None:
    with database.begin() as session:
        add = [("W0G010", 70), ("W0G011", None), ("W0G012", 130)]
        for number, (code, declared) in enumerate(add):
            session.add(Complex(district_id=1, id=500 + number, code=code, name=code, declared_households=declared))
    load(database, tmp_path / "var", NOW, full=True)
    with database.begin() as session:
        names = set(session.scalars(sa.select(Complex.name)))
        living = dict(
            session.execute(
                sa.select(Complex.code, sa.func.count(Household.id))
                .join(Household, Household.complex_id == Complex.id)
                .group_by(Complex.code)
            ).all()
        )
    assert not any("가상" in name for name in names)
    assert living == {"W0G001": 251, "W0G008": 320, "W0G03B": 417, "W0G010": 70, "W0G012": 130}


@ON_ONE
def test_gateways_that_others_added_get_no_history(database: Database) -> None:
    with database.begin() as session:
        here = session.scalars(sa.select(Complex).where(Complex.code == "W0G001")).one()
        box = add_gateway(session, 1, "W0G-MINE", NOW - timedelta(days=5))
        install_meter(session, box, here, "W0G-MINE-1", NOW - timedelta(days=5))
    History(database, days=2).fill(NOW)
    assert rows(database, "SELECT count(DISTINCT gateway_id) FROM meter_alive") == [(3,)]
