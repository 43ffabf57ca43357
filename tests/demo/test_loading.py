"""The demo's data: loaded once, never twice, and never among the data of others."""

import stat
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.access import log_ins, people, sessions
from app.access.claims import VALID, claimed_gateway, redeem
from app.access.models import Account
from app.access.rules import ROLES
from app.access.sessions import Origin
from app.db import Base, Database
from app.demo.address import parse_bind
from app.demo.loading import load
from app.demo.people import Demo, login_of
from app.demo.town import SITES, homes
from app.registry.cards import card_hash
from app.registry.models import Card, Complex, District
from app.registry.service import add_district, district_by_code
from app.texts import Refused
from app.times import now
from gateways.link.keys import GatewayKey, save_key
from gateways.simulate import load_fleet
from tests.builders import Town

ON_ONE = pytest.mark.parametrize("dialect", ["sqlite"])  # what no database decides


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, pool_size=1)
    yield database
    database.dispose()


def everything(database: Database, var: Path) -> dict[str, object]:
    """Every row of every table, and every file of the demo."""
    with database.begin() as session:
        rows: dict[str, object] = {
            name: sorted(map(repr, session.execute(sa.select(table)))) for name, table in Base.metadata.tables.items()
        }
    return rows | {path.name: path.read_text() for path in var.glob("*.json")}


def codes(var: Path) -> dict[str, str]:
    return {gateway.gateway: gateway.claim_code for gateway in load_fleet(var / "fleet.json").gateways}


def claim(database: Database, var: Path, gateway: str) -> None:
    """What the simulated gateway does with its code."""
    with database.begin() as session:
        open_ = claimed_gateway(session, codes(var)[gateway], now())
        claimed = redeem(session, open_, f"W0G/{gateway}", "simulated", now())
    secret = urlsafe_b64encode(claimed.secret).decode().rstrip("=")
    save_key(var / "gateways" / gateway / "gateway.key", GatewayKey(gateway, "W0G", claimed.key_id, secret, ""))


def test_three_complexes_and_a_thousand_households_are_loaded(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, now())
    with database.begin() as session:
        declared = {each.name: each.declared_households for each in session.scalars(sa.select(Complex))}
        district = session.scalars(sa.select(District)).one()
        hashes = {bytes(each) for each in session.scalars(sa.select(Card.card_hash))}
    assert declared == {"두보하이츠": 251, "마곡엠밸리3단지": 320, "강변힐스테이트아파트": 417}
    assert district.name == "서울특별시 강서구"
    fleet = load_fleet(tmp_path / "fleet.json")
    assert (len(fleet.gateways), fleet.meters, fleet.cards) == (3, 14, 988)
    assert hashes == {card_hash(district.card_key, card) for gateway in fleet.gateways for card in gateway.cards}


def test_no_two_homes_share_a_place_or_a_card() -> None:
    everybody = [(site.code, home) for site in SITES for home in homes(site)]
    assert len({(code, home.building, home.unit) for code, home in everybody}) == len(everybody) == 988
    assert len({home.card for _, home in everybody}) == 988


def test_loading_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    first = load(database, tmp_path, now())
    before = everything(database, tmp_path)
    assert load(database, tmp_path, now()) == first
    assert everything(database, tmp_path) == before


@ON_ONE
def test_the_files_are_for_their_owner_only(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, now())
    for name in ("demo.json", "fleet.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@ON_ONE
def test_the_printed_password_lets_in_even_after_it_was_changed(database: Database, tmp_path: Path) -> None:
    demo = load(database, tmp_path, now())
    with database.begin() as session:
        people.set_password(session, 1, demo.login, "something else entirely", "somebody", now())
    assert load(database, tmp_path, now()) == demo
    assert log_ins.check_password(database, demo.login, demo.password, now())


@ON_ONE
def test_there_is_somebody_of_each_role_and_what_is_printed_opens_the_account(
    database: Database, tmp_path: Path
) -> None:
    demo, moment = load(database, tmp_path, now(), secret_key="a secret"), now()
    printed = [line.en for line in demo.said(moment)]
    assert len(printed) == len(ROLES)
    for role in ROLES:
        line = next(line for line in printed if f": {login_of(role)} " in line)
        password, code = line.split("password ")[1].split("  code ")
        assert opens(database, login_of(role), password, code, moment) == role


def opens(database: Database, login: str, password: str, code: str, moment: datetime) -> str:
    """The role of whom the service lets in."""
    account = log_ins.check_password(database, login, password, moment)
    assert account is not None
    with database.begin() as session:
        step = log_ins.Step("a secret", Origin(None, None), moment)
        session_id = log_ins.enter(session, log_ins.pending_of(account), step, code)
    identity = sessions.of_session(database, session_id or "", moment)
    assert identity is not None
    return identity.role


@ON_ONE
def test_a_disabled_account_stays_disabled(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, now())
    with database.begin() as session:
        session.execute(sa.update(Account).values(disabled_at=now()))
    demo: Demo = load(database, tmp_path, now())
    assert log_ins.check_password(database, demo.login, demo.password, now()) is None


def test_a_claimed_gateway_keeps_its_key_and_an_expired_code_is_replaced(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, now())
    before = codes(tmp_path)
    claim(database, tmp_path, "W0G-GW-001")
    load(database, tmp_path, now() + VALID + timedelta(seconds=1))
    after = codes(tmp_path)
    assert after["W0G-GW-001"] == before["W0G-GW-001"]
    assert after["W0G-GW-008"] != before["W0G-GW-008"]


@ON_ONE
def test_a_lost_fleet_file_is_written_anew_with_codes_that_work(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, now())
    (tmp_path / "fleet.json").write_text("{")
    load(database, tmp_path, now())
    with database.begin() as session:
        for code in codes(tmp_path).values():
            claimed_gateway(session, code, now())


@ON_ONE
def test_a_gateway_that_lost_its_key_may_claim_again(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, now())
    claim(database, tmp_path, "W0G-GW-001")
    (tmp_path / "gateways" / "W0G-GW-001" / "gateway.key").unlink()
    load(database, tmp_path, now())
    claim(database, tmp_path, "W0G-GW-001")


@ON_ONE
def test_the_key_of_another_database_is_set_aside_with_its_folder(database: Database, tmp_path: Path) -> None:
    stranger = tmp_path / "gateways" / "W0G-GW-001"
    save_key(stranger / "gateway.key", GatewayKey("W0G-GW-001", "W0G", "W0G/W0G-GW-001/1", "AAAA", ""))
    (stranger / "spool.db").write_text("not sent yet")
    load(database, tmp_path, now())
    assert not stranger.exists()
    assert [path.read_text() for path in stranger.parent.glob("W0G-GW-001.*/spool.db")] == ["not sent yet"]
    claim(database, tmp_path, "W0G-GW-001")


@ON_ONE
def test_a_complex_that_was_imported_before_is_left_as_it_is(database: Database, tmp_path: Path) -> None:
    with database.begin() as session:
        district = add_district(session, "W0G", "강서구")
        session.add(Complex(district_id=district.id, id=1000, code="W0G001", name="Another name"))
    load(database, tmp_path, now())
    with database.begin() as session:
        names = set(session.scalars(sa.select(Complex.name)))
        known = district_by_code(session, "W0G")
    assert names == {"Another name", "마곡엠밸리3단지", "강변힐스테이트아파트"}
    assert known
    assert known.name == "강서구"


def test_households_of_others_keep_the_demo_out(database: Database, tmp_path: Path) -> None:
    town = Town(database)
    town.move_in("101", "3700A1B2CD")
    before = everything(database, tmp_path)
    with pytest.raises(Refused, match="JONGNYANG_DATABASE_URL"):
        load(database, tmp_path, now())
    assert everything(database, tmp_path) == before


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("0.0.0.0:81", "http://127.0.0.1:81"),
        (":81", "http://127.0.0.1:81"),
        ("[::]:81", "http://[::1]:81"),
    ],
)
def test_the_address_is_one_that_a_browser_here_finds(bind: str, url: str) -> None:
    assert parse_bind(bind).url == url


@pytest.mark.parametrize(
    "bind", ["8000", "localhost", "localhost:", "localhost:http", "localhost:0", "localhost:70000"]
)
def test_what_is_no_address_is_refused_by_name(bind: str) -> None:
    with pytest.raises(Refused, match="JONGNYANG_BIND"):
        parse_bind(bind)
