"""What deserves a look; above all that an outage is never taken for a fall, nor a fall for an outage."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.metering.reported.anomalies import POLICY
from tests.metering.reported.support import Desk, as_file, jeju, published, quiet, sites

FIRST, DAYS = date(2018, 1, 1), 90
DONGS = [f"{number}동" for number in range(1, 21)]
DAY = date(2018, 2, 14)


def test_a_quiet_time_has_no_anomaly(desk: Desk) -> None:
    desk.take_in(as_file(quiet(FIRST, DAYS, DONGS)))
    assert desk.anomalies() == []


def test_a_day_on_which_most_places_are_silent_is_an_outage_and_no_fall(desk: Desk) -> None:
    grams = quiet(FIRST, DAYS, DONGS)
    for dong in DONGS[:15]:
        del grams[DAY, dong]
    desk.take_in(as_file(grams))
    (found,) = desk.anomalies()
    assert (found.kind, found.starts_on, found.value, found.usual) == ("few_places", DAY, 5, 20)
    assert "100 % of their usual: an outage, not a fall" in found.why.en


def test_a_day_on_which_every_place_gives_little_is_a_fall_and_no_outage(desk: Desk) -> None:
    grams = quiet(FIRST, DAYS, DONGS)
    desk.take_in(as_file(grams | {(DAY, dong): 25_000 for dong in DONGS}))
    (found,) = desk.anomalies()
    assert (found.kind, found.starts_on, found.value, found.usual) == ("fall", DAY, 500_000, 2_000_000)
    assert "a real fall, not an outage" in found.why.en


def test_an_outage_on_the_day_of_a_fall_is_an_outage_that_tells_of_the_fall(desk: Desk) -> None:
    grams = quiet(FIRST, DAYS, DONGS) | {(DAY, dong): 25_000 for dong in DONGS}
    for dong in DONGS[:10]:
        del grams[DAY, dong]
    desk.take_in(as_file(grams))
    (found,) = desk.anomalies()
    assert found.kind == "few_places"
    assert "gave only 25 % of their usual" in found.why.en


def test_days_without_anybody_are_one_line(desk: Desk) -> None:
    grams = {key: value for key, value in quiet(FIRST, DAYS, DONGS).items() if not 10 <= (key[0] - FIRST).days < 13}
    desk.take_in(as_file(grams))
    (found,) = desk.anomalies()
    assert (found.kind, found.starts_on, found.ends_on) == ("few_places", date(2018, 1, 11), date(2018, 1, 14))
    assert found.places_usual == 20


def test_places_that_begin_do_not_make_the_days_before_look_poor(desk: Desk) -> None:
    late = quiet(FIRST + timedelta(days=45), 45, [f"새{number}동" for number in range(10)])
    desk.take_in(as_file(quiet(FIRST, DAYS, DONGS) | late))
    assert desk.anomalies() == []


def test_a_quiet_weekday_is_usual_for_that_weekday(desk: Desk) -> None:
    grams = quiet(FIRST, DAYS, DONGS)
    desk.take_in(as_file({key: 50_000 if key[0].weekday() == 2 else value for key, value in grams.items()}))
    assert desk.anomalies() == []


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(silent=st.integers(0, 20), share=st.integers(0, 100), day=st.integers(1, DAYS - 1))
def test_an_outage_and_a_fall_are_never_confused(desk: Desk, silent: int, share: int, day: int) -> None:
    """`silent` places send nothing on a day, the others `share` per cent of their usual grams.

    On the first day of a file a silent place cannot be told from one that has not begun.
    """
    when = FIRST + timedelta(days=day)
    grams = quiet(FIRST, DAYS, DONGS) | {(when, dong): share * 1000 for dong in DONGS}
    for dong in DONGS[:silent]:
        del grams[when, dong]
    ends_early = silent == 20 and day == DAYS - 1  # the file is a day shorter, and nothing is missed
    batch = desk.take_in(as_file(grams)).batch
    kinds = {each.kind for each in desk.anomalies() if each.kind in ("few_places", "fall")}
    desk.undo(batch)
    outage = silent * 100 > 20 * (100 - POLICY.few_places_below)
    fell = silent < 20 and share < POLICY.fall_below
    expected = "few_places" if outage else "fall" if fell else None
    assert kinds == (set() if ends_early or not expected else {expected})


def test_the_typhoons_of_2018_and_2019_are_falls_with_every_place_reporting(desk: Desk) -> None:
    desk.take_in(published("jeju/dong_day_2018_2019.csv"))
    found = desk.anomalies()
    falls = {each.starts_on: each for each in found if each.kind == "fall"}
    assert {date(2018, 10, 5), date(2019, 9, 21), date(2019, 7, 19)} <= falls.keys()  # Kong-rey, Tapah, Danas
    assert falls[date(2018, 10, 5)].places_reporting == 38
    counts = Counter(each.kind for each in found)
    assert counts == {"fall": 12, "price_out_of_proportion": 12, "count_without_weight": 2, "implausible_weight": 5}


def test_the_typhoon_of_2020_is_a_fall_in_three_days_of_three_places(desk: Desk) -> None:
    desk.take_in(published("cases/16_jeju_typhoon_days.csv"))
    (found,) = desk.anomalies()
    assert (found.kind, found.starts_on, found.grams) == ("fall", date(2020, 9, 2), 5_419_950)


def test_prices_out_of_proportion_are_listed_and_never_called_an_error(desk: Desk) -> None:
    desk.take_in(published("cases/12_jeju_emd_day_tariff_anomalies.csv"))
    found = desk.anomalies("price_out_of_proportion")
    assert [str(each.value) for each in found] == ["287.5", "413.5", "15.8", "398.6", "13.7", "405.4", "14.4"]
    assert not any("error" in each.why.en or "오류" in each.why.ko for each in found)


def test_a_scale_fault_shows_in_the_grams_of_a_discharge(desk: Desk) -> None:
    desk.take_in(published("cases/19_jeju_site_month_scale_fault.csv"), "keco")
    found = desk.anomalies("implausible_weight")
    assert [(each.place, each.value) for each in found] == [
        ("W6Y470", 120),
        ("W6Y473", 46_525),
        ("W6Y549", 18_487),
        ("W6Y549", 30_822),
    ]


def test_a_place_far_off_its_own_usual_weight_is_listed(desk: Desk) -> None:
    months = [(f"2018-0{month}", "W6X001", "연동", 200_000, 100) for month in (1, 2, 4, 5)]
    desk.take_in(sites(*months, ("2018-03", "W6X001", "연동", 600_000, 100)), "keco")
    (found,) = desk.anomalies("implausible_weight")
    assert (found.starts_on, found.value, found.usual) == (date(2018, 3, 1), 6000, 2000)


def test_discharges_without_weight_are_listed_whether_zero_or_blank(desk: Desk) -> None:
    desk.take_in(jeju(("2018-01-01", "연동", 15, 0, 0), ("2018-01-02", "연동", 15, "", "")))
    zero, blank = desk.anomalies("count_without_weight")
    assert (zero.grams, blank.grams) == (0, None)
    assert "blank" in blank.why.en


def test_a_month_is_judged_by_what_lies_around_it(desk: Desk) -> None:
    grams = quiet(FIRST, DAYS, DONGS)
    desk.take_in(as_file(grams | {(DAY, dong): 25_000 for dong in DONGS}))
    assert len(desk.anomalies(start=date(2018, 2, 1), end=date(2018, 3, 1))) == 1
    assert desk.anomalies(start=date(2018, 3, 1), end=date(2018, 4, 1)) == []
