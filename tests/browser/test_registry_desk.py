"""The registry desk in Chromium: a move in the past, a lost card, and a file that is taken back."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from app.fleet.touches import Touch, book_touches
from app.times import now
from billing.days import service_day
from tests.access.people import add_person
from tests.browser.conftest import Open, Service
from tests.browser.reader import FLOWS, Reader
from tests.builders import Box, Town

NUMBER, TYPED, HELD = "0D00319CD0", "0D0031AAA1", "0D0031BBB2"
FILE = """complex_code,building,unit,card_number,moved_in,resident_name
W0K001,101,1301,0AAA000001,2026-03-02,홍길동
W0K001,101,1302,nonsense,2026-03-02,
"""
WORDS = {
    "households": ("세대", "Households"),
    "unit": ("호", "Unit"),
    "show": ("조회", "Show"),
    "household": ("101동 1203호", "Building 101, unit 1203"),
    "imported": ("101동 1301호", "Building 101, unit 1301"),
    "move_out": ("전출", "Move out"),
    "empty_from": ("비는 날", "Empty from"),
    "cards": ("카드", "Cards"),
    "kept": ("세대에 두고 다음 입주자가 사용", "Kept by the unit for the next tenancy"),
    "empty": ("비어 있음", "Empty"),
    "move_in": ("전입", "Move in"),
    "moves_in_on": ("전입일", "Moves in on"),
    "name": ("이름", "Name"),
    "lived_in": ("거주 중", "Lived in"),
    "one_moved": ("배출 1건이", "1 discharge now belongs to whoever held the card then."),
    "done": ("등록했습니다.", "Done."),
    "lose": ("카드 분실 등록", "Register a card as lost"),
    "reason": ("사유", "Reason"),
    "lost": ("분실", "Lost"),
    "reissue": ("카드 재발급", "Issue another card in place of one"),
    "number": ("또는 카드 번호", "Or its number"),
    "touch": ("방금 기기에 댄 카드", "Card held at a bin just now"),
    "replaced": ("재발급됨", "Replaced"),
    "opens": ("사용 중", "Opens"),
    "files": ("파일 가져오기", "Files"),
    "file": ("CSV 파일", "CSV file"),
    "check": ("파일 검사하기", "Check the file"),
    "unchanged": ("아직 아무것도 바꾸지 않았습니다.", "Nothing was changed yet."),
    "no_card": ("카드 번호가 아닙니다", "not a card number"),
    "import": ("이 파일 가져오기", "Import this file"),
    "take_back": ("이 가져오기 되돌리기", "Take this import back"),
    "take_back_now": ("지금 되돌리기", "Take back now"),
    "taken_back": ("가져오기를 되돌렸습니다.", "The import was taken back."),
    "nobody": ("조건에 맞는 세대가 없습니다.", "No household fits what you asked for."),
}


@dataclass
class Desk:
    """Where `chief` of the office works: unit 1203 has a card, which weighed something three days ago."""

    service: Service
    town: Town
    log_in: Open

    def reader(self, **how: object) -> Reader:
        page = self.log_in(login="chief", **how)
        return Reader(page, str(how["language"]), WORDS, scripts=how.get("javascript") is not False)

    def hold(self, number: str) -> str:
        """Somebody holds a card at the bin, which refuses it; its hash."""
        card, here = self.town.card(number), self.town
        touch = Touch(
            bytes.fromhex(card["hash"]), card["last4"], 1, here.gateway.id, here.complex.id, "card_unknown", now()
        )
        with here.database.begin() as session:
            book_touches(session, here.district.id, [touch], now())
        return card["hash"]


@pytest.fixture
def desk(service: Service, log_in: Open) -> Desk:
    town = Town(service.database, code="W0K")
    add_person(service.database, "chief", "W0K")
    card = town.move_in("1203", NUMBER)
    box = Box(service.app.test_client(), district="W0K")
    assert box.post([box.record(1, card=card, ago=timedelta(days=3))]).status_code == 200
    return Desk(service, town, log_in)


def days_ago(count: int) -> date:
    return service_day(now()) - timedelta(days=count)


def open_household(reader: Reader, unit: str = "1203", household: str = "household") -> None:
    reader.go("households")
    reader.page.get_by_label(reader("unit")).first.fill(unit)
    reader.press("show")
    reader.check()
    reader.follow(household)


@FLOWS
def test_a_household_moved_out_and_another_in_before_the_last_discharge(desk: Desk, language: str, width: int) -> None:
    reader = desk.reader(language=language, width=width)
    open_household(reader)
    reader.check()
    form = reader.unfold("move_out")
    form.get_by_label(reader("empty_from")).fill(days_ago(5).isoformat())
    form.get_by_label(reader("cards")).select_option(label=reader("kept"))
    reader.press("move_out")
    reader.told("one_moved")
    expect(reader.page.locator("main .krds-badge").first).to_have_text(reader("empty"))
    reader.check()
    form = reader.unfold("move_in")
    form.get_by_label(reader("moves_in_on")).fill(days_ago(4).isoformat())
    form.get_by_label(reader("name")).fill("김철수")
    reader.press("move_in")
    reader.told("one_moved")
    expect(reader.page.locator("main .krds-badge").first).to_have_text(reader("lived_in"))
    expect(reader.page.locator("dl.figures")).to_contain_text("김*수")
    reader.check()


@FLOWS
def test_a_lost_card_gives_way_to_a_typed_one_and_that_to_one_held_at_the_bin(
    desk: Desk, language: str, width: int
) -> None:
    reader = desk.reader(language=language, width=width)
    open_household(reader)
    badges = reader.page.locator("table").filter(has=reader.page.locator("caption", has_text=reader("cards"))).first
    for new in ("number", "touch"):
        form = reader.unfold("lose")
        form.get_by_label(reader("reason")).fill("전화로 신고")
        reader.press("lose")
        reader.told("done")
        expect(badges).to_contain_text(reader("lost"))
        reader.check()
        held = desk.hold(HELD)
        reader.page.reload()
        form = reader.unfold("reissue")
        if new == "number":
            form.get_by_label(reader("number")).fill(TYPED)
        else:
            form.get_by_label(reader("touch")).select_option(held)
        reader.press("reissue")
        reader.told("done")
        expect(badges).not_to_contain_text(reader("lost"))
    reader.check()
    states = badges.locator("tbody .krds-badge").all_inner_texts()
    assert sorted(states) == sorted([reader("replaced"), reader("replaced"), reader("opens")])
    assert [
        badges.locator("tbody th").filter(has_text=f"••{number[-2:]}").count() for number in (NUMBER, TYPED, HELD)
    ] == [1, 1, 1]


@FLOWS
def test_a_file_is_looked_at_imported_and_taken_back(desk: Desk, language: str, width: int) -> None:
    reader = desk.reader(language=language, width=width)
    reader.go("households", "files")
    reader.check()
    reader.page.get_by_label(reader("file")).set_input_files(
        {"name": "세대.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    )
    reader.press("check")
    reader.told("unchanged")
    expect(reader.page.locator("main")).to_contain_text(reader("no_card"))
    reader.check()
    reader.press("import")
    imported = reader.page.url
    reader.check()
    open_household(reader, "1301", "imported")
    expect(reader.page.locator("dl.figures")).to_contain_text("홍*동")
    reader.page.goto(imported)
    form = reader.unfold("take_back")
    reader.press("take_back_now", form)
    reader.told("taken_back")
    reader.check()
    reader.go("households")
    reader.page.get_by_label(reader("unit")).first.fill("1301")
    reader.press("show")
    expect(reader.page.locator("main")).to_contain_text(reader("nobody"))


def test_a_household_moves_out_without_javascript(desk: Desk) -> None:
    reader = desk.reader(language="en", width=360, javascript=False)
    open_household(reader)
    form = reader.unfold("move_out")
    form.get_by_label(reader("empty_from")).fill(days_ago(5).isoformat())
    reader.press("move_out")
    reader.told("one_moved")
    expect(reader.page.locator("main .krds-badge").first).to_have_text(reader("empty"))
