"""Tables for spreadsheets."""

import pytest

from app.csv_lines import csv_lines


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_runs_as_a_formula(first: str) -> None:
    cell = f'{first}HYPERLINK("http://example.com")'
    (_, line) = csv_lines(["name"], [[cell]])
    assert line.lstrip('"').startswith(f"'{first}")


def test_numbers_stay_numbers() -> None:
    assert list(csv_lines(["won", "grams"], [[-5, None]])) == ["\ufeffwon,grams\r\n", "-5,\r\n"]
