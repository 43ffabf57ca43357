"""A complex's fee file says what its statements say, and comes back as it went out."""

import io
import tracemalloc
from contextlib import suppress
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access.reach import WHOLE
from app.csv_lines import FORMULA
from app.problems import Problem
from app.registry.imports.sheets import File
from app.registry.models import Complex
from app.registry.places import complex_of
from app.reports.fees import checking, files, layout, rows
from app.reports.fees.layout import FIELDS, Column, Layout
from app.reports.fees.models import FORMATS
from app.reports.fees.rows import Fees, Owed, Totals
from app.texts import Refused
from app.times import now
from tests.statements.corrections.reading import void
from tests.statements.town import BilledTown, month_named

OCTOBER = month_named("2026-10")
ASCII = (Column("unit", "unit"), Column("total", "won"))


@pytest.fixture
def billed(town: BilledTown) -> BilledTown:
    """October is closed: 24 kg of 1203, nothing of 0101, whose number keeps its zero."""
    home = town.home("101", "1203")
    town.home("101", "0101")
    town.discharge(home, "2026-10-05", 24_000)
    town.final("2026-10")
    return town


def fees_of(town: BilledTown, month: str = "2026-10") -> Fees:
    with town.database.session() as session:
        return rows.fees(session, complex_of(session, town.id, "W0G001"), month_named(month), WHOLE)


def test_the_file_has_a_row_for_each_household_and_their_sums(billed: BilledTown) -> None:
    fees = fees_of(billed)
    assert [row["unit"] for row in fees.statements] == ["0101", "1203"]
    assert fees.totals == Totals(2, 24_000, 1, 3120)
    assert files.summed(fees)["부과액(원)"] == 3120
    assert files.summed(fees)["배출량(kg)"] == Decimal(24)


@pytest.mark.parametrize("format_", FORMATS)
def test_what_goes_out_comes_back(billed: BilledTown, format_: str) -> None:
    fees = fees_of(billed)
    made = files.write(fees, format_)
    report = checking.check(fees, File(made.name, made.content))
    assert report.agrees, report.differences
    assert report.rows == 2
    assert report.sums["total"] == (3120, 3120)


def test_a_workbook_keeps_text_as_text_and_tells_its_totals(billed: BilledTown) -> None:
    made = files.write(fees_of(billed), "xlsx")
    book = openpyxl.load_workbook(io.BytesIO(made.content))
    first = next(book["관리비"].iter_rows(min_row=2, values_only=True))
    assert first[:2] == ("101", "0101")
    assert isinstance(first[7], int)
    control = {row[0]: row[1] for row in book["대조"].iter_rows(values_only=True)}
    assert control["부과액(원)"] == 3120
    assert control["고지 번호"] == "202610-W0G001"


def test_every_change_in_a_file_is_named_with_its_line(billed: BilledTown) -> None:
    fees = fees_of(billed)
    lines = files.write(fees, "csv").content.decode("utf-8-sig").splitlines()
    lines[2] = lines[2].replace("3120", "3121")
    lines.append(lines[1])
    lines.append(lines[2].replace("202610-W0G001-0002", "202610-W0G001-0099"))
    del lines[1]
    report = checking.check(fees, File("changed.csv", "\r\n".join(lines).encode()))
    told = [(each.kind, each.line, each.field, each.expected, each.found) for each in report.differences]
    assert ("changed", 2, "total", "3120", "3121") in told
    assert [each.kind for each in report.differences].count("foreign") == 1
    assert not report.agrees
    assert report.sums["total"] == (3120, 6242)


def test_a_household_that_is_missing_or_stands_there_twice_is_named(billed: BilledTown) -> None:
    fees = fees_of(billed)
    lines = files.write(fees, "csv").content.decode("utf-8-sig").splitlines()
    report = checking.check(fees, File("x.csv", "\r\n".join([lines[0], lines[2], lines[2]]).encode()))
    assert sorted(each.kind for each in report.differences) == ["missing", "twice"]


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_workbook_is_read_or_refused(billed: BilledTown, data: st.DataObject) -> None:
    fees = fees_of(billed)
    content = bytearray(files.write(fees, "xlsx").content)
    for place in data.draw(st.lists(st.floats(0, 1), min_size=1, max_size=3)):
        content[4 + int(place * (len(content) - 5))] ^= data.draw(st.integers(1, 255))
    file = File("x.xlsx", bytes(content[: 4 + int(data.draw(st.floats(0, 1)) * len(content))]))
    with suppress(Refused):
        assert checking.check(fees, file).rows <= 2


def test_a_workbook_of_wide_rows_takes_no_memory(billed: BilledTown) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        for line in range(2_000):
            sheet.write_number(line, 16_383, 1)
    fees = fees_of(billed)
    tracemalloc.start()
    with pytest.raises(Refused):
        checking.check(fees, File("x.xlsx", buffer.getvalue()))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20_000_000


def test_an_amount_beyond_all_bounds_is_a_difference(billed: BilledTown) -> None:
    fees = fees_of(billed)
    content = files.write(fees, "csv").content.replace(b"3120", b"1e1000000")
    assert not checking.check(fees, File("x.csv", content)).agrees


def test_korean_that_reads_as_utf_8_by_chance_is_read_as_it_was_meant(town: BilledTown) -> None:
    town.discharge(town.home("키", "1"), "2026-10-05", 1_000)
    town.final("2026-10")
    fees = fees_of(town)._replace(layout=Layout((Column("building", "키"), *ASCII), "csv-cp949"))
    content = files.write(fees, "csv-cp949").content
    assert content.decode() != content.decode("cp949")
    assert checking.check(fees, File("x.csv", content)).agrees


def test_a_file_without_a_column_or_that_is_none_is_refused(billed: BilledTown) -> None:
    fees = fees_of(billed)
    for content in (b"a,b\r\n1,2\r\n", b"PK\x03\x04broken", b""):
        with pytest.raises(Refused):
            checking.check(fees, File("x", content))


def test_a_preview_says_so_in_name_and_note(town: BilledTown) -> None:
    town.discharge(town.home("101", "1203"), "2026-10-05", 24_000)
    town.preview("2026-10")
    fees = fees_of(town)
    assert fees.state == "preview"
    assert files.write(fees).name == "202610-W0G001-preview.csv"
    assert [FIELDS["note"].value(row) for row in fees.statements] == ["미리보기(확정 전)"]


def test_a_month_that_nobody_billed_has_no_file(town: BilledTown) -> None:
    with pytest.raises(Problem) as refused:
        fees_of(town)
    assert refused.value.slug == "no-preview"


def test_a_layout_is_kept_for_its_complex_and_told_in_the_log(billed: BilledTown) -> None:
    wanted = Layout((Column("number", "번호"), Column("total", "금액")), "xlsx")
    with billed.database.begin() as session:
        layout.change(session, complex_of(session, billed.id, "W0G001"), wanted, "kim", now())
    fees = fees_of(billed)
    assert fees.layout == wanted
    assert fees.cells() == [["202610-W0G001-0001", 0], ["202610-W0G001-0002", 3120]]
    with billed.database.session() as session:
        assert layout.of(session, billed.id, billed.complexes["W0G002"]) == layout.usual()


@pytest.mark.parametrize(
    "columns",
    [
        (),
        (Column("total", "금액"),),
        (Column("number", "번호"),),
        (Column("number", "번호"), Column("total", "번호")),
        (Column("number", "번호"), Column("total", "금\n액")),
        (Column("number", "번호"), Column("total", '=HYPERLINK("http://e.kr")')),
        (Column("number", "번호"), Column("total", "금액 🗑")),
        (Column("number", "번호"), Column("total", "금액"), Column("cards", "카드")),
    ],
)
def test_columns_that_could_not_be_read_again_are_refused(columns: tuple[Column, ...]) -> None:
    with pytest.raises(Problem):
        layout.check(Layout(columns, "csv"))


NAMES = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8).map(str.strip).filter(bool)
TITLES = NAMES.filter(
    lambda text: text.encode("cp949", "ignore").decode("cp949") == text and not text.startswith(FORMULA)
)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_names_and_columns_a_complex_has_its_file_comes_back(data: st.DataObject) -> None:
    fields = data.draw(st.permutations(sorted(FIELDS)))
    kept = [field for field in fields if field in ("number", "total") or data.draw(st.booleans())]
    titles = data.draw(st.lists(TITLES, min_size=len(kept), max_size=len(kept), unique=True))
    columns = tuple(Column(field, title) for field, title in zip(kept, titles, strict=True))
    statements = [statement(index, data) for index in range(data.draw(st.integers(1, 4)))]
    totals = Totals(len(statements), 0, 0, 0)
    place = Complex(district_id=1, id=1, code="W0G001", name="단지")
    fees = Fees(place, OCTOBER, "202610-W0G001", "final", Layout(columns, "csv"), statements, totals, Owed(0, 0, 0))
    for format_ in FORMATS:
        made = files.write(fees, format_)
        report = checking.check(fees, File(made.name, made.content))
        if not made.replaced:
            assert report.agrees, report.differences


def statement(index: int, data: st.DataObject) -> dict[str, Any]:
    won = data.draw(st.integers(-99_999, 99_999))
    return {
        **{"number": f"202610-W0G001-{index + 1:04d}", "building": data.draw(NAMES), "unit": data.draw(NAMES)},
        **{"month": OCTOBER, "count": data.draw(st.integers(0, 99)), "grams": data.draw(st.integers(0, 99_999))},
        **{
            "won": won,
            "adjusted_won": data.draw(st.integers(-9_999, 9_999)),
            "state": "final",
            "moved_won": data.draw(st.integers(-9, 9)),
        },
    }


def test_a_closed_month_s_file_stays_and_the_next_one_has_what_a_reissue_changed(town: BilledTown) -> None:
    home, moved_out = town.home("101", "1203"), town.home("101", "1204", until="2026-11-01")
    numbers = [town.discharge(each, "2026-10-05", 10_000) for each in (home, moved_out)]
    town.final("2026-10")
    before = fees_of(town)
    town.discharge(home, "2026-11-05", 10_000)
    for number, net_g in zip(numbers, (7_000, 6_000), strict=True):
        town.correct(number, "re_weigh", "2026-11-14", net_g=net_g)
    for serial in (1, 2):
        void(town, f"202610-W0G001-000{serial}", "2026-11-15")
    town.final("2026-11")
    after, following = fees_of(town), fees_of(town, "2026-11")
    assert [(row["number"], row["won"]) for row in after.statements] == [
        (row["number"], row["won"]) for row in before.statements
    ]
    assert [(row["unit"], row["won"], row["adjusted_won"]) for row in following.statements] == [
        ("1203", 1_300 - 390, -390),
        ("1204", -520, -520),
    ]
    assert "재발행" in layout.note(following.statements[1])
    assert following.owed.complex_won == following.totals.won == 390
    assert checking.check(following, File("x.csv", files.write(following, "csv").content)).agrees
    town.final("2026-12")
    assert fees_of(town, "2026-12").totals.won == 0


def test_what_was_paid_at_the_bin_is_not_charged_again(town: BilledTown) -> None:
    home = town.home("101", "1203")
    town.tariff("2020-01-01", 30, scheme="prepaid")
    town.terms(scheme="prepaid", suspense="not_billed", first_month="2026-10")
    town.terms(scheme="household", first_month="2026-11")
    town.discharge(home, "2026-10-05", 10_000)
    town.final("2026-10")
    october = fees_of(town)
    assert (october.totals.won, october.owed.at_the_bin_won, october.owed.complex_won) == (0, 300, 300)
    town.discharge(home, "2026-10-06", 1_000, booked="2026-11-20")
    town.discharge(home, "2026-11-06", 1_000)
    town.final("2026-11")
    (row,) = fees_of(town, "2026-11").statements
    assert (row["won"], row["adjusted_won"]) == (130, 0)
