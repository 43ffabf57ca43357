"""What was installed in earlier years, from a file: rows of kind, year and units, or the district's own table."""

import re
from collections.abc import Iterator
from pathlib import Path

from app.registry.imports.sheets import File, read_sheet, refuse_faults
from app.registry.installations.models import KINDS
from app.registry.installations.service import Count
from app.texts import Refused, Text

NAMES = {"RFID 종량기": "meter", "대형감량기": "reducer"} | {kind: kind for kind in KINDS}
YEAR = re.compile(r"(~?)\s*([0-9]{4})\s*년?")
INSTALLED, CUMULATIVE = "설치", "누적"
YES = ("1", "yes", "true", "y")

NO_KIND = Text(
    "{line}번째 줄: 종류는 meter(RFID 종량기) 또는 reducer(대형감량기)입니다: {value}.",
    "Line {line}: the kind is meter or reducer, not {value}.",
)
NO_NUMBER = Text("{line}번째 줄: 숫자가 아닙니다: {value}.", "Line {line}: not a number: {value}.")
NO_YEARS = Text(
    "첫 줄에 연도가 없습니다. ‘~2017년’, ‘2018년’처럼 적어 주세요.",
    "The first line names no years. Write them as “~2017년”, “2018년”.",
)
NO_SUM = Text(
    "{line}번째 줄: 누적이 설치의 합과 다릅니다({year}년: {told}, 합은 {sum}).",
    "Line {line}: the cumulative units are not the sum of those installed ({year}: {told}, the sum is {sum}).",
)


def read_counts(path: Path) -> list[Count]:
    """The counts of a file. Raises Refused for one that cannot be used, with all that is wrong with it.

    Either CSV with the columns kind, year, units and, if need be, until; or, with tabs between its cells, a table like
    the district's: years in the first line, then for each kind a line 설치 (installed), and maybe 누적 (cumulative),
    which must be its sum.
    """
    file = File.opened(path)
    text = file.content.decode("utf-8-sig", errors="replace")
    lines = [[cell.strip() for cell in line.split("\t")] for line in text.splitlines() if line.strip()]
    return _of_table(lines) if lines and len(lines[0]) > 1 else _of_rows(file)


def _of_rows(file: File) -> list[Count]:
    faults: list[Text] = []
    counts = []
    for row in read_sheet(file, ("kind", "year", "units"), ("until",)).rows:
        kind = NAMES.get(row.cells["kind"])
        if kind is None:
            faults.append(NO_KIND.fill(line=row.line, value=row.cells["kind"]))
        year, units = (_number(row.cells[name], row.line, faults) for name in ("year", "units"))
        until = row.cells.get("until", "").lower() in YES
        counts.append(Count(kind or "", year, units, until))
    refuse_faults(faults)
    return counts


def _of_table(lines: list[list[str]]) -> list[Count]:
    years = {place: found for place, cell in enumerate(lines[0]) if (found := YEAR.fullmatch(cell))}
    if not years:
        raise Refused(NO_YEARS)
    faults: list[Text] = []
    counts: list[Count] = []
    kind = None
    for line, cells in enumerate(lines[1:], start=2):
        if cells[0]:
            kind = NAMES.get(cells[0])
            if kind is None:
                faults.append(NO_KIND.fill(line=line, value=cells[0]))
        told = [(int(year[2]), bool(year[1]), _at(cells, place, line, faults)) for place, year in years.items()]
        if kind is None:
            continue
        if CUMULATIVE in cells[:2]:
            faults += _unequal(counts, kind, {year: units for year, _, units in told}, line)
        else:
            counts += [Count(kind, year, units, until) for year, until, units in told]
    refuse_faults(faults)
    return counts


def _unequal(counts: list[Count], kind: str, told: dict[int, int], line: int) -> Iterator[Text]:
    """Where the cumulative units differ from the sum of those installed."""
    for year, units in told.items():
        sum_ = sum(count.units for count in counts if count.kind == kind and count.year <= year)
        if sum_ != units:
            yield NO_SUM.fill(line=line, year=year, told=units, sum=sum_)


def _at(cells: list[str], place: int, line: int, faults: list[Text]) -> int:
    return _number(cells[place] if place < len(cells) else "", line, faults)


def _number(text: str, line: int, faults: list[Text]) -> int:
    digits = text.replace(",", "")
    if re.fullmatch(r"[0-9]{1,6}", digits):
        return int(digits)
    faults.append(NO_NUMBER.fill(line=line, value=text or "–"))
    return 0
