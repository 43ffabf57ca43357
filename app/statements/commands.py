"""`jongnyang billing`: previews, closing, statements. Other modules add theirs (app.cli.ADDED)."""

import os
import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import click

from app.access.reach import WHOLE
from app.console import Command, Group, actor, explain, language, open_database, read_settings, say, say_json
from app.problems import Problem
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.registry.places import complex_of
from app.statements import queries, runs
from app.statements.corrections.words import LINES
from app.statements.runs import Outcome
from app.statements.terms.closed import month_named
from app.statements.verify import verify as verify_runs
from app.texts import Text
from app.times import format_instant, now
from billing.units import kilograms

DONE = Text(
    "{number}: {state}, {statements}건, {won}원{same}", "{number}: {state}, {statements} statements, {won} won{same}"
)
STATES = {"preview": Text("미리보기", "preview"), "final": Text("확정", "final"), "voided": Text("무효", "void")}
SAME = Text(" (변동 없음)", " (unchanged)")
REFUSED = Text("{complex}: 하지 않았습니다. {told}", "{complex}: not done. {told}")
SUMMARY = Text(
    "단지 {complexes}개: {done}개 처리, {refused}개 하지 않음. 고지서 {statements}건, {grams} kg, {won}원",
    "{complexes} complexes: {done} done, {refused} not. {statements} statements, {grams} kg, {won} won",
)
AGREED = Text("{code} {month} 미리보기에 동의했습니다.", "Agreed to the preview of {code} for {month}.")
HEAD = Text(
    "{number}  {state}  {complex_name} {building}-{unit}\n{kg} kg, {count}회, {won}원  해시 {hash}",
    "{number}  {state}  {complex_name} {building}-{unit}\n{kg} kg, {count} discharges, {won} won  hash {hash}",
)
LINE = Text("  {won:>9}원  {kind} {month}", "  {won:>9} won  {kind} {month}")
DAY = Text("  {day}  {grams:>7,} g  {count}회", "  {day}  {grams:>7,} g  {count} discharges")
VERIFIED = Text(
    "확정 {runs}건, 고지서 {statements}건: 모두 맞습니다.", "{runs} final runs, {statements} statements: all agree."
)
DIFFERS = Text("다른 곳 {count}군데:", "{count} differences:")
DIFFERENCE = Text("  {subject}: {text}", "  {subject}: {text}")

MONTH = click.argument("month", metavar="MONTH")
complexes_option = click.option("--complex", "codes", metavar="CODE", multiple=True, help="Only this one; repeatable.")
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=os.cpu_count() or 1,
    show_default=True,
    help="Processes (PostgreSQL).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")


@click.group(cls=Group, ko="수수료 고지: 미리보기, 확정, 고지서", example="jongnyang billing preview 2026-10")
def billing() -> None:
    """Bill a month: preview, close, statements."""


@billing.command(
    "preview",
    cls=Command,
    ko="한 달의 미리보기를 만듭니다(모든 단지 또는 일부).",
    example="jongnyang billing preview 2026-10\njongnyang billing preview 2026-10 --complex W0G001",
)
@MONTH
@complexes_option
@workers_option
@json_option
@district_option
def preview(month: str, codes: Sequence[str], workers: int, as_json: bool, district: str | None) -> None:
    """Preview MONTH (2026-10) of all complexes, or make it anew; exit code 1 where one could not be."""
    _run_month(month, codes, workers, as_json, district)


@billing.command(
    "review",
    cls=Command,
    ko="단지를 대신해 미리보기에 동의합니다(검토 기간이 끝납니다).",
    example="jongnyang billing review W0G001 2026-10 --reason '관리사무소장 유선 동의'",
)
@click.argument("code", metavar="COMPLEX")
@MONTH
@click.option("--reason", required=True, help="Who agreed, and how.")
@district_option
def review(code: str, month: str, reason: str, district: str | None) -> None:
    """Agree to the preview of COMPLEX and MONTH in the managers' place: its review is over."""
    day = month_named(month)
    with open_database(read_settings()) as database, database.begin() as session:
        place = complex_of(session, the_district(session, district).id, code)
        runs.review(session, place.district_id, place.id, day, actor(), now(), reason)
    say(AGREED.fill(code=code, month=month))


@billing.command(
    "finalise",
    cls=Command,
    ko="미리보기대로 한 달을 확정합니다. 확정한 것은 바뀌지 않습니다.",
    example="jongnyang billing finalise 2026-10\njongnyang billing finalise 2026-10 --early '관리사무소 요청'",
)
@MONTH
@complexes_option
@click.option("--early", metavar="REASON", help="Close although the review is not over.")
@workers_option
@json_option
@district_option
def finalise(
    month: str, codes: Sequence[str], early: str | None, workers: int, as_json: bool, district: str | None
) -> None:
    """Close MONTH (2026-10) as previewed; again, it changes nothing. Exit code 1 where a complex could not be."""
    _run_month(month, codes, workers, as_json, district, final=True, early=early)


@billing.command(
    "statement",
    cls=Command,
    ko="고지서 한 건을 줄마다 설명과 함께 보입니다.",
    example="jongnyang billing statement 202610-W0G001-0007 --days",
)
@click.argument("number")
@click.option("--days", "with_days", is_flag=True, help="Also each day.")
@json_option
@district_option
def statement(number: str, with_days: bool, as_json: bool, district: str | None) -> None:
    """Show the statement NUMBER, every line explained."""
    with open_database(read_settings()) as database, database.session() as session:
        district_id = the_district(session, district).id
        row = queries.statement(session, district_id, number, WHOLE)
        days = queries.days(session, district_id, number, WHOLE) if with_days or as_json else []
    if as_json:
        say_json(_plain(row | {"days": days}))
        return
    told = {name: row[name] for name in ("number", "complex_name", "building", "unit", "count")}
    say(
        HEAD.fill(
            **told,
            state=STATES[row["state"]],
            kg=kilograms(row["grams"]),
            won=f"{row['won']:,}",
            hash=row["content_hash"][:12],
        )
    )
    for line in row["lines"]:
        say(LINE.fill(won=f"{line['won']:,}", kind=LINES[line["kind"]], month=f"{line['usage_month']:%Y-%m}"))
        for each in line["words"]:
            click.echo(f"             {each.said(language())}")
    for day in days:
        say(DAY.fill(**{name: day[name] for name in ("day", "grams", "count")}))


@billing.command(
    "verify",
    cls=Command,
    ko="확정된 고지서를 해시, 합계, 원장과 대조합니다(다르면 종료 코드 1).",
    example="jongnyang billing verify\njongnyang billing verify --month 2026-10",
)
@click.option("--month", help="Only this month, as 2026-10.")
@json_option
@district_option
def verify(month: str | None, as_json: bool, district: str | None) -> None:
    """Hold every final statement against its hash, its sums and the ledger; exit code 1 where something differs."""
    day = month_named(month) if month else None
    with open_database(read_settings()) as database, database.session() as session:
        found = verify_runs(session, the_district(session, district).id, day)
    if as_json:
        told = [each._asdict() | {"text": each.text.said(language())} for each in found.differences]
        say_json({"runs": found.runs, "statements": found.statements, "differences": told})
    elif not found.differences:
        say(VERIFIED.fill(runs=found.runs, statements=found.statements))
    else:
        say(DIFFERS.fill(count=len(found.differences)))
        for each in found.differences:
            say(DIFFERENCE.fill(subject=each.subject, text=each.text))
    sys.exit(1 if found.differences else 0)


def _run_month(
    month: str,
    codes: Sequence[str],
    workers: int,
    as_json: bool,
    district: str | None,
    final: bool = False,
    early: str | None = None,
) -> None:
    day = month_named(month)
    with open_database(read_settings()) as database:
        with database.session() as session:
            district_id = the_district(session, district).id
        how = (list(codes) or None, actor(), now(), workers, None if as_json else _tell)
        if final:
            outcomes = runs.finalise_month(database, district_id, day, *how, early_reason=early)
        else:
            outcomes = runs.preview_month(database, district_id, day, *how)
    refused = [each for each in outcomes if each.state == "refused"]
    if as_json:
        say_json([each._asdict() for each in outcomes])
    else:
        done = [each for each in outcomes if each.state != "refused"]
        sums = {name: sum(getattr(each, name) for each in done) for name in ("statements", "grams", "won")}
        counts = {"complexes": len(outcomes), "done": len(done), "refused": len(refused)}
        told = {"statements": f"{sums['statements']:,}", "grams": kilograms(sums["grams"]), "won": f"{sums['won']:,}"}
        say(SUMMARY.fill(**counts, **told))
    sys.exit(1 if refused else 0)


def _tell(outcome: Outcome) -> None:
    if outcome.problem is not None:
        (told,) = explain(Problem(outcome.problem, **outcome.extra))
        say(REFUSED.fill(complex=outcome.complex, told=told))
        return
    same = Text("", "") if outcome.changed else SAME
    done = {"number": outcome.number, "statements": f"{outcome.statements:,}", "won": f"{outcome.won:,}"}
    say(DONE.fill(**done, state=STATES[outcome.state], same=same))


def _plain(value: Any) -> Any:
    """A row as JSON takes it."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
