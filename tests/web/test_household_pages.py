"""The registry desk in a browser: moves, cards, personal details, files; and what a manager may not see."""

import io
import re
from functools import cached_property
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.access import accounts
from app.access.models import Account, AuditEntry
from app.registry.models import Building, Card, Complex, Household, ImportUpload, Resident
from app.times import now
from billing.days import service_day
from tests.access.people import PAGE, add_person, csrf_token, database_of, log_in, running_app
from tests.builders import Town
from tests.emptied import database_url, emptied_postgres  # noqa: F401 - fixtures

NUMBER, OTHER = "0D00319CD0", "0D0031AAA1"
COLUMNS = "complex_code,building,unit,card_number,moved_in,moved_out,resident_name,phone,email"


class Office:
    """A town with two complexes; kim is of the office, lee manages W0G001 alone."""

    def __init__(self, app: Flask) -> None:
        self.database = database_of(app)
        self.town = Town(self.database)
        self.town.move_in("1203", NUMBER)
        with self.database.begin() as session:
            key = {"district_id": self.town.district.id, "id": 99}
            session.add(Complex(**key, code="W0G099", name="다른 단지"))
            session.flush()
            session.add(Building(**key, complex_id=99, name="901"))
            session.flush()
            session.add(Household(**key, complex_id=99, building_id=99, unit="101"))
        add_person(self.database)
        self.app = app
        self.home = self.town.households["1203"]

    @cached_property
    def kim(self) -> FlaskClient:
        return self._logged_in("kim")

    @cached_property
    def lee(self) -> FlaskClient:
        add_person(self.database, "lee", role="manager", complex_ids=(self.town.complex.id,))
        return self._logged_in("lee")

    @cached_property
    def park(self) -> FlaskClient:
        add_person(self.database, "park", role="auditor")
        return self._logged_in("park")

    def _logged_in(self, login: str) -> FlaskClient:
        client = self.app.test_client()
        log_in(client, login)
        return client

    def page(self, path: str, client: FlaskClient | None = None, language: str = "en") -> str:
        answer = (client or self.kim).get(path, headers=PAGE | {"Accept-Language": language})
        assert answer.status_code == 200, path
        return answer.text

    def send(self, path: str, client: FlaskClient | None = None, at: str | None = None, **form: Any) -> Any:
        """Fill in a form of the page `at` and send it."""
        client = client or self.kim
        token = csrf_token(client, at or path)
        headers = PAGE | {"Accept-Language": "en"}
        return client.post(path, data=form | {"csrf_token": token}, headers=headers)

    def act(self, action: str, household: int | None = None, client: FlaskClient | None = None, **fields: Any) -> Any:
        named = {f"{action}_{name}": value for name, value in fields.items()}
        path = f"/households/{household or self.home}"
        return self.send(path, client, action=action, **named)

    def audited(self) -> list[tuple[str, str | None]]:
        with self.database.session() as session:
            rows = session.execute(sa.select(AuditEntry.action, AuditEntry.reason).order_by(AuditEntry.id))
            return [(action, reason) for action, reason in rows if not action.startswith(("account", "session"))]

    def cards(self) -> list[Card]:
        with self.database.session() as session:
            return list(session.scalars(sa.select(Card).order_by(Card.id)))


@pytest.fixture
def office(database_url: str) -> Any:  # noqa: F811 - the fixture
    with running_app(database_url) as app:
        yield Office(app)


def file_of(*rows: str, name: str = "homes.csv", columns: str = COLUMNS) -> tuple[Any, str]:
    return io.BytesIO("\n".join((columns, *rows)).encode()), name


def refused(answer: Any) -> str:
    assert answer.status_code == 422
    return str(re.findall(r'role="alert">(.*?)</', answer.text, re.DOTALL)[0])


def test_the_list_finds_a_household_by_complex_unit_and_card(office: Office) -> None:
    for question in ("complex=W0G001", "building=101&unit=1203호", "last4=9cd0", "state=lived_in"):
        page = office.page(f"/households?{question}")
        assert "unit 1203" in page, question
        assert "unit 101<" not in page or question.startswith("complex=W0G099"), question
    assert "Nobody" not in office.page("/households?state=empty")
    assert "unit 1203" not in office.page("/households?state=abandoned")


def test_a_household_moves_in_with_a_name_that_only_a_reason_shows(office: Office) -> None:
    today = service_day(now()).isoformat()
    assert office.act("move_out", on=today, cards="kept").status_code == 302
    answer = office.act("move_in", on=today, name="김철수", phone="010-1234-5678", email="kim@example.com")
    assert answer.status_code == 302
    page = office.page(f"/households/{office.home}")
    assert "김*수" in page
    assert "010-****-5678" in page
    assert "••D0" in page
    for secret in ("김철수", "1234", "kim@example.com", "9CD0"):
        assert secret not in page
    assert office.send(f"/households/{office.home}/reveal", at=f"/households/{office.home}").status_code == 422
    form = {"reveal_reason": "resident's call"}
    assert office.send(f"/households/{office.home}/reveal", at=f"/households/{office.home}", **form).status_code == 302
    revealed = office.page(f"/households/{office.home}")
    for shown in ("김철수", "010-1234-5678", "kim@example.com", "9CD0"):
        assert shown in revealed
    assert "김철수" not in office.page(f"/households/{office.home}", office.lee), "Shown to who asked, and nobody else."
    assert ("household.revealed", "resident's call") in office.audited()


def test_a_look_by_somebody_elses_token_shows_nothing_to_the_session_beside_it(office: Office) -> None:
    office.act("resident", tenancy=office.town.tenancies["1203"], name="김철수", phone="", email="")
    district_id, account_id = add_person(office.database, "choi")
    with office.database.begin() as session:
        choi = session.get_one(Account, (district_id, account_id))
        token = accounts.add_token(session, choi, "desk", accounts.scopes_of(choi), now(), None)
    path, headers = f"/households/{office.home}", PAGE | {"Authorization": f"Bearer {token}"}
    looked = office.kim.post(f"{path}/reveal", data={"reveal_reason": "resident's call"}, headers=headers)
    assert looked.status_code == 302
    assert "김철수" in office.kim.get(path, headers=headers).text
    assert "김철수" not in office.page(path), "kim has given no reason"


@pytest.mark.parametrize("touch", ["00", "zz", "00" * 17])
def test_what_is_no_card_is_given_to_nobody(office: Office, touch: str) -> None:
    assert office.act("give", touch=touch).status_code == 422
    assert len(office.cards()) == 1


def test_personal_details_never_reach_the_audit_log(office: Office) -> None:
    office.act("resident", tenancy=office.town.tenancies["1203"], name="김철수", phone="010-1234-5678", email="k@x.kr")
    with office.database.session() as session:
        entries = session.execute(sa.select(AuditEntry)).scalars().all()
        told = " ".join(f"{each.subject} {each.before} {each.after} {each.reason}" for each in entries)
    for secret in ("김철수", "1234", "k@x.kr", NUMBER):
        assert secret not in told
    assert office.act("erase", tenancy=office.town.tenancies["1203"]).status_code == 302
    with office.database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Resident)) == 0


def test_a_lost_card_is_reissued_and_the_old_one_never_opens_again(office: Office) -> None:
    (old,) = office.cards()
    assert office.act("lose", card=old.id, reason="reported by phone").status_code == 302
    assert office.cards()[0].blocked_reason == "reported by phone"
    assert office.act("reissue", card=old.id, number=OTHER).status_code == 302
    old, new = office.cards()
    assert (old.replaced_by_id, new.last4, new.blocked_at) == (new.id, "AAA1", None)
    assert "Another card was issued" in refused(office.act("unblock", card=old.id))
    page = office.page(f"/households/{office.home}")
    assert "replaced by ••A1" in page


def test_a_move_that_cannot_be_says_why_and_keeps_what_was_typed(office: Office) -> None:
    today = service_day(now()).isoformat()
    assert "Somebody lives there" in refused(office.act("move_in", on=today, name="이영희"))
    answer = office.act("abandon", on=today, reason=" ")
    assert "Give a reason" in answer.text
    assert "card number has 8 to 24" in office.act("change", on=today, number="12").text
    assert office.act("change", on="soon").text.count("Write a day as") == 1


def test_an_abandoned_household_can_come_back(office: Office) -> None:
    today = service_day(now()).isoformat()
    assert office.act("abandon", on=today, reason="mail comes back").status_code == 302
    assert "mail comes back" in office.page(f"/households/{office.home}")
    assert "unit 1203" in office.page("/households?state=abandoned")
    assert office.act("come_back").status_code == 302
    assert office.cards()[0].blocked_at is None


def test_what_lies_elsewhere_does_not_exist_for_a_manager(office: Office) -> None:
    assert "unit 101<" not in office.page("/households", office.lee)
    assert office.lee.get("/households/99", headers=PAGE).status_code == 404
    for path in ("/households/99", "/households/99/reveal"):
        answer = office.send(path, office.lee, at="/households", action="move_in", move_in_on="2026-01-01")
        assert answer.status_code == 404, path
    added = office.send("/households", office.lee, add_complex="W0G099", add_building="901", add_unit="102")
    assert added.status_code == 422
    assert "There is nothing here" in added.text
    today = service_day(now()).isoformat()
    assert office.act("move_out", client=office.lee, on=today, cards="returned").status_code == 302


def test_an_auditor_looks_and_changes_nothing(office: Office) -> None:
    page = office.page(f"/households/{office.home}", office.park)
    assert "Move out" not in page
    path = f"/households/{office.home}"
    assert office.send(f"{path}/reveal", office.park, at=path, reveal_reason="yearly audit").status_code == 302
    assert office.act("move_out", client=office.park, on="2026-01-01").status_code == 403


def upload(office: Office, *rows: str, client: FlaskClient | None = None, kind: str = "households", **more: Any) -> Any:
    return office.send("/imports", client, kind=kind, file=file_of(*rows, **more))


def test_a_file_is_checked_then_imported_as_it_was_checked_and_taken_back(office: Office) -> None:
    rows = (
        "W0G001,101,1301,0AAA000001,2026-03-02,,홍길동,010-1111-2222,h@x.kr",
        "W0G001,101,1302,nonsense,2026-03-02,,,,",
    )
    answer = upload(office, *rows)
    assert answer.status_code == 302
    checked = answer.location
    page = office.page(checked)
    assert "Nothing was changed yet" in page
    assert "not a card number" in page
    assert "홍길동" not in page
    assert "카드 번호가 아닙니다" in office.page(checked, language="ko")
    assert office.kim.get(f"{checked}.csv").data.startswith(b"\xef\xbb\xbf")
    with office.database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Household)) == 2
        kept = session.scalars(sa.select(ImportUpload)).one()
        assert b"0AAA000001" not in bytes(kept.content), "Card numbers are stored nowhere in clear."
    taken = office.send(checked)
    assert taken.status_code == 302
    assert "1 rows used, 1 skipped" in office.page(taken.location)
    assert "홍*동" in office.page("/households?unit=1301")
    with office.database.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ImportUpload)) == 0
    assert office.kim.get(checked, headers=PAGE).status_code == 404
    assert office.send(f"{taken.location}/undo", at=taken.location).status_code == 302
    assert "unit 1301" not in office.page("/households")
    actions = [action for action, _ in office.audited()]
    assert actions[-3:] == ["import.checked", "import.taken_in", "import.undone"]


def test_an_import_that_is_built_upon_says_what_stands_in_the_way(office: Office) -> None:
    checked = upload(office, "W0G001,101,1301,0AAA000001,2026-03-02,,,,").location
    number = office.send(checked).location
    with office.database.session() as session:
        made = session.scalars(sa.select(Household.id).where(Household.unit == "1301")).one()
    office.act("give", made, number=OTHER)
    answer = office.send(f"{number}/undo", at=number)
    assert answer.status_code == 409
    assert "in use since" in answer.text


def test_a_file_of_one_person_is_not_another_s(office: Office) -> None:
    checked = upload(office, "W0G001,101,1301,0AAA000001,2026-03-02,,,,").location
    assert office.lee.get(checked, headers=PAGE).status_code == 404


def test_a_manager_imports_households_of_their_own_complexes_alone(office: Office) -> None:
    rows = ("W0G001,101,1301,,2026-03-02,,,,", "W0G099,901,102,,2026-03-02,,,,")
    checked = upload(office, *rows, client=office.lee).location
    page = office.page(checked, office.lee)
    assert "W0G099: check the code, or import the complexes first" in page
    taken = office.send(checked, office.lee)
    assert "1 rows used, 1 skipped" in office.page(taken.location, office.lee)
    month = ("W0G001,101,1203,2025-11,12400,30,1612",)
    columns = "complex_code,building,unit,month,grams,count,won"
    assert upload(office, *month, client=office.lee, kind="history", columns=columns).status_code == 403
    other = office.send(upload(office, "W0G099,901,103,,2026-03-02,,,,").location).location
    assert office.lee.get(other, headers=PAGE).status_code == 404, "Imports of others are not a manager's."


def test_a_taken_card_of_another_complex_is_not_told_to_a_manager(office: Office) -> None:
    office.send(upload(office, "W0G099,901,101,0AAA000001,2026-03-02,,,,").location)
    checked = upload(office, "W0G001,101,1301,0AAA000001,2026-03-02,,,,", client=office.lee).location
    page = office.page(checked, office.lee)
    assert "another complex" in page
    assert "W0G099" not in page


def test_months_of_an_earlier_system_stand_with_the_household(office: Office) -> None:
    columns = "complex_code,building,unit,month,grams,count,won,balance_won"
    rows = (
        "W0G001,101,1203,2025-11,12400,30,1612,-500",
        "W0G001,101,9999,2025-11,1,1,1,",
        "W0G001,101,1203,2199-01,1,1,1,",
    )
    checked = upload(office, *rows, kind="history", columns=columns).location
    page = office.page(checked)
    assert "the household is not registered" in page
    assert "a month that is over" in page
    taken = office.send(checked)
    household = office.page(f"/households/{office.home}")
    assert "12.4" in household
    assert "-500" in household
    assert office.send(f"{taken.location}/undo", at=taken.location).status_code == 302
    assert "From an earlier system" not in office.page(f"/households/{office.home}")


def multipart(office: Office, content: bytes) -> tuple[bytes, str]:
    """A body that lies in memory: the test client keeps a large one in a file that nobody closes."""
    token = csrf_token(office.kim, "/imports")
    head = 'Content-Disposition: form-data; name="{}"'.format
    parts = (
        f"{head('csrf_token')}\r\n\r\n{token}".encode(),
        f"{head('kind')}\r\n\r\nhouseholds".encode(),
        f'{head("file")}; filename="homes.csv"\r\n\r\n'.encode() + content,
    )
    body = b"".join(b"--part\r\n" + part + b"\r\n" for part in parts) + b"--part--\r\n"
    return body, "multipart/form-data; boundary=part"


def test_a_file_larger_than_other_bodies_passes(office: Office) -> None:
    rows = [f"W0G777,101,{number},,2026-03-02,,,,{'x' * 60}" for number in range(30_000)]
    content, content_type = multipart(office, "\n".join((COLUMNS, *rows)).encode())
    assert len(content) > 2 * 1024 * 1024
    answer = office.kim.post("/imports", data=content, content_type=content_type, headers=PAGE)
    assert answer.status_code == 302


def test_what_is_no_csv_file_is_refused_in_the_reader_s_language(office: Office) -> None:
    sent = office.send("/imports", kind="households", file=(io.BytesIO(b"PK\x03\x04rest"), "homes.xlsx"))
    answer = office.kim.get(sent.location, headers=PAGE | {"Accept-Language": "en"})
    assert answer.status_code == 422
    assert "Excel workbook" in answer.text
    assert office.send("/imports", kind="households").status_code == 422
