"""The terminal: `jongnyang import volumes` and the list of anomalies."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli import main
from app.metering.reported.commands import anomalies
from app.metering.reported.periods import end_of
from tests.metering.reported.support import Desk, jeju, published

Run = Callable[..., Result]
FIGURES = jeju(
    ("2018-01-01", "건입동", 668, 1708250, 51079),
    ("2018-01-02", "건입동", 15, 0, 0),
    ("2018", "연동", 1, 1, 1),
)


@pytest.fixture
def run(desk: Desk, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types a command in an empty folder of a district without anything."""
    monkeypatch.chdir(tmp_path)
    url = sa.make_url(database_url).render_as_string(hide_password=False)
    environment = {"JONGNYANG_DATABASE_URL": url, "JONGNYANG_SECRET_KEY": "of the tests", "LC_ALL": "C.UTF-8"}

    def invoke(*arguments: str, code: int = 0, command: object = main) -> Result:
        result = CliRunner().invoke(command, arguments, env=environment)  # type: ignore[arg-type]
        assert result.exit_code == code, result.output
        return result

    return invoke


def test_the_published_file_comes_in_and_every_dong_and_month_equals_pandas(run: Run, desk: Desk) -> None:
    path = published("jeju/dong_day_2018_2019.csv")
    arguments = "import", "volumes", str(path), "--source", "jeju"
    assert "27,747 changes (created: 27,747; updated: 0)" in run(*arguments).output
    assert "0 changes" in run(*arguments).output

    frame = pd.read_csv(path)
    frame["month"] = frame.base_date.str[:7]
    sums = frame.groupby(["month", "emd_nm"])[["waste_em_g", "waste_em_cnt", "waste_pay_amt"]].sum()

    found = {}
    for month in sums.index.unique("month"):
        first = date.fromisoformat(f"{month}-01")
        for volume in desk.volumes("dong", span=(first, end_of("month", first))):
            if volume.places_reporting:
                found[month, volume.name] = (volume.grams, volume.count, volume.won)
    expected = {key: tuple(map(int, row)) for key, row in zip(sums.index, sums.to_numpy(), strict=True)}
    assert found == expected

    told = run("volumes", "--source", "jeju", "--by", "dong", "--month", "2018-02", "--json").output
    shown = {("2018-02", row["name"]): (row["grams"], row["count"], row["won"]) for row in json.loads(told)}
    assert {key: row for key, row in shown.items() if row != (None, None, None)} == {
        key: row for key, row in expected.items() if key[0] == "2018-02"
    }


def test_the_site_months_equal_pandas_by_dong_and_blanks_are_told(run: Run, desk: Desk) -> None:
    path = published("jeju/site_month_2018_2019.csv")
    assert "19,007 rows without weight" in run("import", "volumes", str(path), "--source", "keco").output
    sums = pd.read_csv(path).groupby("emd_nm").disQuantity.sum(min_count=1)
    expected = {name: None if pd.isna(grams) else int(grams) for name, grams in sums.items()}
    assert {volume.name: volume.grams for volume in desk.volumes("dong", "site", "keco")} == expected
    reporting = pd.read_csv(path).groupby("base_date").disQuantity.count()
    assert [month.places_reporting for month in desk.volumes("month", "site", "keco")] == reporting.to_list()


def test_a_file_is_looked_at_taken_in_and_listed_in_both_languages(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text(FIGURES)
    arguments = "import", "volumes", "file.csv", "--source", "jeju"
    assert "This was a dry run" in run(*arguments, "--dry-run").output
    korean = run("--lang", "ko", *arguments).output
    for sentence in (
        "제주 동별 일 배출량",
        "날짜를 읽을 수 없습니다",
        "4번째 줄",
        "변경 2건",
        "가져오기 T0X/1 기록 완료",
    ):
        assert sentence in korean
    assert "T0X/1" in run("import", "list").output


def test_a_program_reads_the_report_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text(FIGURES)
    report = json.loads(run("import", "volumes", "file.csv", "--source", "jeju", "--json").output)
    assert report["rows"] == {"read": 3, "used": 2, "skipped": 1}
    assert report["skipped"][0]["line"] == 4
    assert report["totals"] | {"first": "2018-01-01", "last": "2018-01-02", "grams": 1_708_250} == report["totals"]
    assert [fit["cause"] for fit in report["tariff"]] == ["within", "nothing_weighed"]
    assert (report["source"], report["level"], report["batch"]) == ("jeju", "dong", "T0X/1")


def test_an_unusable_file_ends_with_2_and_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    assert "The form of the file is not known" in run("import", "volumes", "bad.csv", "--source", "jeju", code=2).stderr
    assert "cannot be read" in run("import", "volumes", "none.csv", "--source", "jeju", code=2).stderr


def test_anomalies_are_shown_by_kind_and_read_by_programs(run: Run, tmp_path: Path) -> None:
    assert "First: jongnyang import volumes" in run(command=anomalies).output
    (tmp_path / "file.csv").write_text(FIGURES)
    run("import", "volumes", "file.csv", "--source", "jeju")
    shown = run("--month", "2018-01", command=anomalies).output
    assert "Discharges without weight: 1" in shown
    assert "The won held against 30 won/kg" in shown
    read = json.loads(run("--json", command=anomalies).output)
    assert [each["kind"] for each in read["anomalies"]] == ["count_without_weight"]
    assert read["tariff"][0] == {
        "source": "jeju", "level": "dong", "cause": "within", "size": "", "count": 1, "won_difference": -168
    }  # fmt: skip
    assert "Not a month: 2018-13" in str(CliRunner().invoke(anomalies, ["--month", "2018-13"]).exception)


def test_limit_counts_lines_of_each_kind(run: Run, tmp_path: Path) -> None:
    rows = [("2018-01-01", f"{number}동", 15, 0, 0) for number in range(30)]
    (tmp_path / "file.csv").write_text(jeju(*rows))
    run("import", "volumes", "file.csv", "--source", "jeju")
    assert "… and 10 more" in run(command=anomalies).output
    assert len(json.loads(run("--json", "--limit", "3", command=anomalies).output)["anomalies"]) == 3
    assert len(json.loads(run("--json", command=anomalies).output)["anomalies"]) == 30
