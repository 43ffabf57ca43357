"""The district's made-up complexes, and how long work is told to take."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.demo import progress
from app.demo.district import invented, share_out, with_meters
from app.demo.town import SITES, homes, meters
from app.texts import Text


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=50), st.integers(0, 5), st.integers(0, 10_000))
def test_what_is_shared_out_adds_up_and_leaves_nobody_out(weights: list[float], least: int, more: int) -> None:
    parts = share_out(least * len(weights) + more, weights, least)
    assert sum(parts) == least * len(weights) + more
    assert min(parts) >= least
    heavier = sorted(zip(weights, parts, strict=True))
    assert all(one[1] <= other[1] + 1 for one, other in pairwise(heavier))


def test_the_invented_complexes_make_the_district_up_and_say_that_they_are_invented() -> None:
    sites = invented()
    assert len(sites) + len(SITES) == 149
    assert sum(site.households for site in (*sites, *SITES)) == 62_016
    assert all("가상" in site.name and site.code >= "W0G900" for site in sites)
    assert len({site.code for site in sites}) == 146
    assert invented() == sites


def test_no_two_meters_homes_or_cards_of_the_district_are_the_same() -> None:
    others = with_meters([(site.code, site.name, site.households) for site in invented()])
    everywhere = [*SITES, *others]
    assert len({code for site in everywhere for code in meters(site)}) == 724
    everybody = [(site.code, home) for site in everywhere for home in homes(site)]
    assert len({(code, home.building, home.unit) for code, home in everybody}) == len(everybody) == 62_016
    assert len({home.card for _, home in everybody}) == 62_016
    assert all(len(home.card) == 10 for _, home in everybody)


def test_short_work_passes_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress(Text("일", "Work:")) as tell:
        tell(0.5)
    assert capsys.readouterr().out == ""


def test_long_work_tells_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENT_FOR", 0)
    monkeypatch.setattr(progress, "ELSEWHERE", 0)
    monkeypatch.setenv("LC_ALL", "C")
    with progress.progress(Text("일", "Work:")) as tell:
        for share in (0, 0.25, 1):
            tell(share)
    assert capsys.readouterr().out == "Work: 25%, about 0 s left\nWork: 100%, about 0 s left\n"
