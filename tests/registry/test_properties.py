"""Whatever is in the files: importing twice changes nothing more, and taking back gives what was before."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.registry.imports.undo import undo
from tests.registry.support import NOW, Registry, complexes, households

# The database outlives the examples: each ends where it began.
in_one_database = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
days = st.sampled_from([f"2026-0{month}-01" for month in range(1, 7)])
household_rows = st.lists(
    st.fixed_dictionaries(
        {
            "complex_code": st.sampled_from(["T0X001", "T0X002", "T0X009"]),
            "unit": st.sampled_from(["1", "2"]),
            "card_number": st.sampled_from(["AAAAAAAAA1", "AAAAAAAAA2", "AAAAAAAAA3", "", "?"]),
            "moved_in": days,
            "moved_out": st.one_of(st.just(""), days),
        }
    ),
    min_size=1,
    max_size=8,
)
complex_rows = st.lists(
    st.fixed_dictionaries(
        {
            "aptCode": st.sampled_from(["T0X001", "T0X002", "T0X003"]),
            "aptName_y": st.sampled_from(["", "새싹", "나무"]),
            "aptMemo": st.sampled_from(["", "두\n줄"]),
            "hbgvCode": st.sampled_from(["", "9950010200", "9950010300"]),
            "roadAddr2": st.sampled_from(["", "(새싹동)", "(나무동, 나무)"]),
            "ctznCnt": st.sampled_from(["", "0", "251"]),
            "xlatlng": st.sampled_from(["", "126.85", "?"]),
            "regDate": st.sampled_from(["", "2016-10-09 19:51:43"]),
        }
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda row: row["aptCode"],
)


def take_back(registry: Registry, batch: str | None) -> None:
    if batch:
        undo(registry.database, batch, "tester", NOW)


@in_one_database
@given(first=household_rows, second=household_rows)
def test_households_twice_are_the_same_and_can_be_taken_back(
    settled: Registry, first: list[dict[str, str]], second: list[dict[str, str]]
) -> None:
    empty = settled.everything()
    one = settled.households(households(*first))
    before = settled.everything()
    two = settled.households(households(*second))
    after = settled.everything()
    again = settled.households(households(*second))
    assert again.changes == 0
    assert again.batch is None
    assert settled.everything() == after
    take_back(settled, two.batch)
    assert settled.everything() == before
    take_back(settled, one.batch)
    assert settled.everything() == empty


@in_one_database
@given(first=complex_rows, second=complex_rows)
def test_complexes_twice_are_the_same_and_can_be_taken_back(
    registry: Registry, first: list[dict[str, str]], second: list[dict[str, str]]
) -> None:
    empty = registry.everything()
    one = registry.complexes(complexes(*first))
    before = registry.everything()
    two = registry.complexes(complexes(*second))
    after = registry.everything()
    again = registry.complexes(complexes(*second))
    assert again.changes == 0
    assert registry.everything() == after
    take_back(registry, two.batch)
    assert registry.everything() == before
    take_back(registry, one.batch)
    assert registry.everything() == empty


@in_one_database
@given(rows=household_rows)
def test_a_dry_run_foretells_the_import(settled: Registry, rows: list[dict[str, str]]) -> None:
    text = households(*rows)
    before = settled.everything()
    dry = settled.households(text, dry_run=True)
    assert settled.everything() == before
    real = settled.households(text)
    assert (dry.created, dry.skipped, dry.notes, dry.totals) == (real.created, real.skipped, real.notes, real.totals)
    assert dry.used + len(dry.skipped) == len(rows)
    take_back(settled, real.batch)
