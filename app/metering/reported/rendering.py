"""An import's report as lines for a terminal, in the shape of the registry's imports."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeVar

from app.metering.reported.files import JSON
from app.metering.reported.report import Change, Note, Report, Totals
from app.metering.reported.tariff import Fit, rates_of
from app.metering.reported.texts import REASONS
from app.registry.imports.rendering import DRY_RUN, HEADING, IGNORED, LINE, NOTED, RECORDED, ROWS, SKIPPED
from app.registry.imports.words import shown
from app.texts import Text, listed

SHOWN = 20  # of each kind; --json has all
T = TypeVar("T")

ITEM = Text("{line}번째 항목", "item {line}")
MORE = Text("  … {count}건 더 있음(--json으로 모두 표시)", "  … and {count} more (all with --json)")
UPDATED = Text(
    "앞선 가져오기와 다른 값 {count}개(이제 이 파일의 값을 씁니다)",
    "Other than imported before, {count} (what this file says counts now)",
)
PERIOD = Text("{first} ~ {last}, 장소 {places}곳", "{first} to {last}, places: {places}")
BLANK = Text(
    "무게와 건수가 빈 행 {count}개: 0이 아니라 ‘보고 없음’으로 둡니다.",
    "{count} rows without weight and count: kept as “nothing reported”, not as zero.",
)
SUMS = Text("배출량 {grams} g, 배출 {count}건, 수수료 {won}원", "{grams} g, {count} discharges, {won} won")
SUMS_WITHOUT_WON = Text("배출량 {grams} g, 배출 {count}건", "{grams} g, {count} discharges")
CHANGES = Text(
    "변경 {count}건(신규: {created} / 수정: {updated})", "{count} changes (created: {created}; updated: {updated})"
)
NO_CHANGES = Text("변경 0건: 같은 값을 이미 가져왔습니다.", "0 changes: the same figures were imported before.")
TARIFF = Text(
    "금액을 단가 {rate}원/kg과 맞춰 본 결과 — 단가 출처: {reference}",
    "The won held against {rate} won/kg — source of the rate: {reference}",
)
FIT = Text(
    "  {title}{size}: {count}행({share}%), ‘단가×무게’와의 차이 합계 {won}원",
    "  {title}{size}: {count} rows ({share} %), together {won} won off rate × weight",
)
NO_ERROR = Text(
    "  맞지 않는다고 오류는 아닙니다. 무료 배출, 다른 단가, 정정 등 사유는 공표되지 않았습니다.",
    "  What does not fit is no error: free discharges, other rates or corrections; nobody published why.",
)
FITS = {
    "within": Text("범위 안(배출마다 1원 미만 버림)", "within (less than a won dropped at each discharge)"),
    "above": Text("단가보다 많음", "above"),
    "below": Text("단가보다 적음", "below"),
    "free": Text("무게는 있으나 0원", "free (weight and 0 won)"),
    "no_price": Text("금액이 비어 있음", "no price (won blank)"),
    "nothing_weighed": Text("무게가 없거나 0", "nothing weighed"),
}
FIELDS = {
    "name": Text("이름", "name"),
    "dong_name": Text("동", "dong"),
    "grams": Text("무게(g)", "grams"),
    "count": Text("건수", "count"),
    "won": Text("금액(원)", "won"),
}


def as_text(report: Report, language: str) -> str:
    """The report, its totals last so that they are seen."""
    return "\n".join(text.said(language) for text in _lines(report))


def fit_lines(source: str, fit: Sequence[Fit]) -> Iterator[Text]:
    """What fits the tariff's bounds and what does not; nothing for a source without a known rate."""
    if not fit:
        return
    for rate in rates_of(source):
        yield TARIFF.fill(rate=rate.won_per_kg, reference=rate.reference)
    total = sum(each.count for each in fit)
    for each in fit:
        size = f" {each.size}" if each.size else ""
        share = f"{Decimal(100 * each.count) / total:.2f}"
        amounts = {"count": f"{each.count:,}", "share": share, "won": f"{each.won_difference:,}"}
        yield FIT.fill(title=FITS[each.cause], size=size, **amounts)
    yield NO_ERROR


def _lines(report: Report) -> Iterator[Text]:
    sheet = report.sheet
    yield HEADING.fill(kind=report.form.title, name=sheet.name, encoding=sheet.encoding, district=report.district)
    if ignored := list(filter(None, sheet.ignored_columns)):
        yield IGNORED.fill(columns=", ".join(ignored))
    yield from _notes(report, SKIPPED, report.skipped)
    yield from _notes(report, NOTED, report.notes)
    if report.updates:
        yield UPDATED.fill(count=f"{len(report.updates):,}")
    yield from _first(report.updates, lambda each: _line(report, each.line, each.subject, _change(each)))
    yield Text("", "")
    yield from _summary(report)


def _notes(report: Report, heading: Text, notes: list[Note]) -> Iterator[Text]:
    order = {reason: index for index, reason in enumerate(REASONS)}
    for reason, group in groupby(sorted(notes, key=lambda note: order[note.reason]), key=lambda note: note.reason):
        same = list(group)
        yield heading.fill(count=f"{len(same):,}", title=REASONS[reason].title)
        yield from _first(same, lambda note: _line(report, note.line, note.subject, note.text))


def _first(items: Sequence[T], line: Callable[[T], Text]) -> Iterator[Text]:
    yield from map(line, items[:SHOWN])
    if len(items) > SHOWN:
        yield MORE.fill(count=f"{len(items) - SHOWN:,}")


def _line(report: Report, line: int | None, subject: str, said: Text) -> Text:
    numbered = ITEM if report.sheet.encoding == JSON else LINE
    where = numbered.fill(line=line) if line is not None else Text("–", "–")
    return Text(*(f"  {place:<9} {subject}  {text}" for place, text in zip(where, said, strict=True)))


def _change(change: Change) -> Text:
    pair = Text("{column}: {old} → {new}", "{column}: {old} → {new}")
    return listed(
        pair.fill(column=FIELDS[name], old=_amount(old), new=_amount(new)) for name, (old, new) in change.fields.items()
    )


def _amount(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else shown(value)


def _summary(report: Report) -> Iterator[Text]:
    yield ROWS.fill(rows=f"{len(report.sheet.rows):,}", used=f"{report.used:,}", skipped=f"{len(report.skipped):,}")
    if report.totals.rows:
        yield from _totals(report.totals, report.form.period)
    yield from fit_lines(report.form.source, report.fit)
    if report.changes:
        created, updated = f"{report.created:,}", f"{len(report.updates):,}"
        yield CHANGES.fill(count=f"{report.changes:,}", created=created, updated=updated)
    elif report.used:
        yield NO_CHANGES
    if report.dry_run:
        yield DRY_RUN
    elif report.batch:
        yield RECORDED.fill(batch=report.batch)


def _totals(totals: Totals, period: str) -> Iterator[Text]:
    first, last = (str(day)[:7] if period == "month" else day for day in (totals.first, totals.last))
    yield PERIOD.fill(first=first, last=last, places=f"{totals.places:,}")
    sums = SUMS_WITHOUT_WON if totals.won is None else SUMS
    yield sums.fill(grams=_amount(totals.grams), count=_amount(totals.count), won=_amount(totals.won))
    if totals.blank:
        yield BLANK.fill(count=f"{totals.blank:,}")
