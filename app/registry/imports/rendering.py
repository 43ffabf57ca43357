"""An import's report as lines for a terminal."""

from collections.abc import Iterator
from itertools import groupby

from app.registry.imports.reasons import REASONS
from app.registry.imports.report import Note, Report, Update
from app.registry.imports.words import FIELDS, KINDS, TOTALS, counted, shown
from app.texts import Text

HEADING = Text("{kind}: {name} ({encoding}), 자치구 {district}", "{kind}: {name} ({encoding}), district {district}")
IGNORED = Text("쓰지 않는 열: {columns}", "Columns that are not used: {columns}")
SKIPPED = Text("건너뛴 행 {count}개: {title}", "Skipped, {count}: {title}")
NOTED = Text("알림 {count}건: {title}", "Noted, {count}: {title}")
UPDATED = Text("바뀌는 행 {count}개", "Updated, {count}:")
LINE = Text("{line}번째 줄", "line {line}")
ROWS = Text("행 {rows}개 중 {used}개 사용, {skipped}개 건너뜀", "{rows} rows: {used} used, {skipped} skipped")
CHANGES = Text(
    "변경 {count}건(신규: {created} / 수정: {updated})", "{count} changes (created: {created}; updated: {updated})"
)
NO_CHANGES = Text(
    "변경 0건: 등록 내용이 이미 파일과 같습니다.",
    "0 changes: the registry already says what the file says.",
)
NOTHING = Text("없음", "nothing")
RE_ATTRIBUTED = Text(
    "배출 {count}건이 그때 카드를 가진 세대로 바뀝니다.", "{count} discharges now belong to whoever held the card then."
)
DRY_RUN = Text(
    "미리 보기라서 아무것도 바꾸지 않았습니다. 가져오려면 --dry-run 없이 다시 실행하세요.",
    "This was a dry run: nothing was changed. Run it again without --dry-run to import.",
)
RECORDED = Text(
    "가져오기 {batch} 기록 완료. 되돌리려면: jongnyang import undo {batch}",
    "Recorded as import {batch}. To take it back: jongnyang import undo {batch}",
)


def as_text(report: Report, language: str) -> str:
    """The report, its totals last so that they are seen."""
    return "\n".join(text.said(language) for text in _lines(report))


def _lines(report: Report) -> Iterator[Text]:
    sheet = report.sheet
    yield HEADING.fill(kind=KINDS[report.kind], name=sheet.name, encoding=sheet.encoding, district=report.district)
    if sheet.ignored_columns:
        yield IGNORED.fill(columns=", ".join(sheet.ignored_columns))
    yield from _notes(SKIPPED, report.skipped)
    yield from _notes(NOTED, report.notes)
    if report.updates:
        yield UPDATED.fill(count=f"{len(report.updates):,}")
    for update in report.updates:
        yield from _update(update)
    yield from _summary(report)


def _notes(heading: Text, notes: list[Note]) -> Iterator[Text]:
    order = {reason: index for index, reason in enumerate(REASONS)}
    for reason, group in groupby(sorted(notes, key=lambda note: order[note.reason]), key=lambda note: note.reason):
        same = list(group)
        yield heading.fill(count=f"{len(same):,}", title=REASONS[reason].title)
        for note in same:
            yield _line(note.line, note.subject, note.text)


def _line(line: int | None, subject: str, text: Text) -> Text:
    where = LINE.fill(line=line) if line is not None else Text("–", "–")
    return Text(*(f"  {place:<9} {subject}  {said}" for place, said in zip(where, text, strict=True)))


def _update(update: Update) -> Iterator[Text]:
    for column, (old, new) in update.fields.items():
        change = Text("{column}: {old} → {new}", "{column}: {old} → {new}")
        yield _line(update.line, update.subject, change.fill(column=FIELDS[column], old=shown(old), new=shown(new)))


def _summary(report: Report) -> Iterator[Text]:
    yield Text("", "")
    yield ROWS.fill(rows=f"{len(report.sheet.rows):,}", used=f"{report.used:,}", skipped=f"{len(report.skipped):,}")
    for name, total in report.totals.items():
        yield TOTALS[name].fill(count=f"{total:,}")
    if report.changes:
        created = counted(report.created) if report.created else NOTHING
        updated = f"{len(report.updates):,}"
        yield CHANGES.fill(count=f"{report.changes:,}", created=created, updated=updated)
    else:
        yield NO_CHANGES
    if report.re_attributed:
        yield RE_ATTRIBUTED.fill(count=f"{report.re_attributed:,}")
    if report.dry_run:
        yield DRY_RUN
    elif report.batch:
        yield RECORDED.fill(batch=report.batch)
