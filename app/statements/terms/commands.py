"""`jongnyang billing tariff|terms|class|weights|limits|what-if`: by which terms is billed, what others would cost."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from app.access.reach import WHOLE
from app.console import Command, Group, actor, language, open_database, say, say_json
from app.fleet.commands import as_json, in_district
from app.problems import Problem
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.registry.imports.sheets import File
from app.registry.places import plain
from app.registry.queries import households_of
from app.statements.models import SCHEMES, SHARING, SUSPENSE
from app.statements.runs import SETTLED
from app.statements.terms import classes, policy, tariffs, terms, weights, what_if, words
from app.statements.terms.closed import month_named
from app.statements.terms.drafting import example, tariff_of
from app.statements.terms.plain import plain_result, plain_tariff
from app.statements.terms.terms import Terms
from app.texts import Refused, Text
from app.times import now
from billing.checking import CHOICES
from billing.days import month_of, service_day
from billing.tariffs import Tariff

LINE = Text(
    "#{id}  {first_day} ~ {until}  {scheme}  {payer_class}  {prices} ({conditions})  근거: {reference}",
    "#{id}  {first_day} – {until}  {scheme}  {payer_class}  {prices} ({conditions})  by: {reference}",
)
NO_TARIFF = Text("등록된 단가가 없습니다.", "No tariff was entered.")
ADDED = Text("단가 #{id}을(를) 등록했습니다.", "Tariff #{id} was added.")
CHECKED = Text(
    "점검만 했습니다. 등록하려면 --dry-run 없이 실행하세요. 예: 12.4 kg 배출한 달은 {won:,}원입니다.",
    "Only checked; run it without --dry-run to add it. A month of 12.4 kg costs {won:,} won:",
)
WITHDRAWN = Text("단가 #{id}을(를) 취소했습니다.", "Tariff #{id} was withdrawn.")
TERMS = Text(
    "{complex}  {name}: {scheme}, {suspense}, 배분 {sharing}",
    "{complex}  {name}: {scheme}, {suspense}, shared {sharing}",
)
SINCE = Text(
    "  {first_month}부터: {scheme}, {suspense}, 배분 {sharing} ({reason})",
    "  from {first_month}: {scheme}, {suspense}, shared {sharing} ({reason})",
)
CHANGED = Text("바꾼 단지: {count}곳", "Complexes changed: {count}")
CLASS_SET = Text("납부 구분을 정했습니다.", "The payer class is set.")
NO_HOUSEHOLD = Text(
    "그런 세대가 없습니다: {place}. 단지 코드, 동, 호를 확인하세요.",
    "There is no such household: {place}. Check complex code, building and unit.",
)
LIMITS = Text(
    "지연 자료 반영 {late_months}개월, 검토 {review_days}일, 이의신청 답변 {reply_days}일, 납부 {pay_days}일",
    "late usage {late_months} months, review {review_days} days, reply to disputes {reply_days} days, "
    "payment {pay_days} days",
)
WRONG = Text("{line}번째 줄, 단지 {code}, {kg}: 쓸 수 없습니다.", "Line {line}, complex {code}, {kg}: cannot be used.")
USABLE = Text(
    "쓸 수 있는 줄: {count}개. 적용하려면 --apply를 붙이세요.",
    "Lines that can be used: {count}. Add --apply to enter them.",
)
NOT_APPLIED = Text("고칠 줄이 있어 아무것도 바꾸지 않았습니다.", "Nothing was changed: correct those lines first.")
TOTAL = Text(
    "{month} 사용량 기준: 현행 {before:,}원 → 가정 {after:,}원 ({difference:+,}원)",
    "{month}, real usage: now {before:,} won → draft {after:,} won ({difference:+,} won)",
)
COUNTS = Text(
    "세대 {households:,}: 늘어남 {more:,}, 줄어듦 {less:,}, 같음 {same:,}",
    "{households:,} households: {more:,} pay more, {less:,} less, {same:,} the same",
)
TENTH = Text(
    "  {tenth}분위 (~{most_g:,} g): 평균 {mean_before:,}원 → {mean_after:,}원",
    "  tenth {tenth} (up to {most_g:,} g): mean {mean_before:,} → {mean_after:,} won",
)
FAILED = Text(
    "  계산하지 못한 단지: {complex} {complex_name} ({problem})", "  not assessed: {complex} {complex_name} ({problem})"
)
OPEN_END = Text("계속", "on")

scheme_option = click.option("--scheme", type=click.Choice(SCHEMES), default="household", show_default=True)
class_option = click.option("--class", "payer_class", default="general", show_default=True, help="Payer class.")
month_option = click.option("--month", help="As in 2026-10.")


def terms_options(command: Any) -> Any:
    """The options of which a tariff is made."""
    for option in (
        click.option("--won-per-kg", metavar="WON", help="The price of a kilogram, or of the first tier."),
        click.option(
            "--tier", "tiers", multiple=True, metavar="KG:WON", help="A price from so many kg on; repeatable."
        ),
        *(
            click.option(
                f"--{name.replace('_', '-')}", type=click.Choice(choices), default=choices[0], show_default=True
            )
            for name, choices in CHOICES.items()
        ),
        click.option("--round-to-won", type=int, default=1, show_default=True),
        click.option("--unit-g", type=int, default=1, show_default=True, help="Weight counts in steps of so many g."),
        click.option("--free-g", type=int, default=0, show_default=True, help="Grams of a month that cost nothing."),
        click.option("--relief-percent", default="0", show_default=True),
    ):
        command = option(command)
    return command


@click.group(cls=Group, ko="수수료 단가", example="jongnyang billing tariff list")
def tariff() -> None:
    """Tariffs: won per kilogram from a day on."""


@tariff.command("list", cls=Command, ko="적용 중인 단가와 예정 단가", example="jongnyang billing tariff list --json")
@click.option("--scheme", type=click.Choice(SCHEMES), help="Of this scheme.")
@as_json
@district_option
def list_tariffs(scheme: str | None, json_: bool, district: str | None) -> None:
    """Tariffs in force, each until the next begins."""
    with in_district(district) as (session, district_id):
        rows = tariffs.listed(session, district_id, scheme)
    if json_:
        return say_json([_written(plain_tariff(row)) for row in rows])
    if not rows:
        say(NO_TARIFF)
    for row in rows:
        told = {"until": row["until"] or OPEN_END, "scheme": words.SCHEMES[row["scheme"]]}
        said = {name: Text(*row[name]) for name in ("prices", "conditions")}
        say(LINE.fill(**{**row, **told, **said}))
    return None


@tariff.command(
    "add",
    cls=Command,
    ko="단가를 등록합니다. --dry-run이면 점검만 합니다.",
    example="jongnyang billing tariff add 2027-01-01 --won-per-kg 140 --reference '조례 제10조'\n"
    "jongnyang billing tariff add 2027-01-01 --won-per-kg 80 --tier 20:120 --tier 30:140 --reference '조례 제10조'",
)
@click.argument("first_day", type=click.DateTime(formats=["%Y-%m-%d"]))
@click.option("--reference", required=True, help="The ordinance or decision.")
@click.option("--replaces", type=click.IntRange(1), help="Number of the tariff of that day whose place it takes.")
@click.option("--dry-run", is_flag=True, help="Only check, and explain a month of 12.4 kg.")
@scheme_option
@class_option
@terms_options
@district_option
def add_tariff(
    first_day: datetime,
    reference: str,
    replaces: int | None,
    dry_run: bool,
    scheme: str,
    payer_class: str,
    district: str | None,
    **given: Any,
) -> None:
    """Add a tariff from FIRST_DAY on."""
    made = _tariff(first_day.date(), given)
    if dry_run:
        won, why = example(made)
        say(CHECKED.fill(won=won))
        for sentence in why:
            click.echo(f"  {sentence.said(language())}")
        return
    wanted = tariffs.Wanted(scheme, payer_class, made, reference, replaces)
    with in_district(district) as (session, district_id):
        id_ = tariffs.add(session, district_id, wanted, actor(), now())
    say(ADDED.fill(id=id_))


@tariff.command(
    cls=Command, ko="단가를 취소합니다.", example="jongnyang billing tariff withdraw 3 --reason '공포 연기'"
)
@click.argument("tariff_id", metavar="TARIFF", type=click.IntRange(1, 2**31 - 1))
@click.option("--reason", required=True)
@district_option
def withdraw(tariff_id: int, reason: str, district: str | None) -> None:
    """Take a tariff out again; the one before it goes on."""
    with in_district(district) as (session, district_id):
        tariffs.withdraw(session, district_id, tariff_id, reason, actor(), now())
    say(WITHDRAWN.fill(id=tariff_id))


@click.group("terms", cls=Group, ko="단지별 부과 방식", example="jongnyang billing terms show")
def terms_group() -> None:
    """How complexes are billed."""


@terms_group.command(cls=Command, ko="부과 방식을 보입니다.", example="jongnyang billing terms show W0G001")
@click.argument("complex_code", metavar="[COMPLEX]", required=False)
@month_option
@as_json
@district_option
def show(complex_code: str | None, month: str | None, json_: bool, district: str | None) -> None:
    """How each complex is billed in a month, or one of them with its history."""
    with in_district(district) as (session, district_id):
        rows = terms.listed(session, district_id, WHOLE, _month(month))
        mine = [row for row in rows if complex_code in (None, row["code"])]
        if not mine and complex_code:
            raise Problem("not-found")
        history = terms.history(session, district_id, mine[0]["id"]) if complex_code else []
    if json_:
        return say_json([_written(row) for row in (history if complex_code else mine)])
    for row in mine:
        say(TERMS.fill(complex=row["code"], name=row["name"], **_in_words(row)))
    for row in history:
        say(SINCE.fill(first_month=f"{row['first_month']:%Y-%m}", reason=row["reason"], **_in_words(row)))
    return None


@terms_group.command(
    "set",
    cls=Command,
    ko="부과 방식을 정합니다.",
    example="jongnyang billing terms set W0G001 W0G002 --from 2027-01 --scheme complex --reason '협약'",
)
@click.argument("complexes", nargs=-1)
@click.option("--all", "all_", is_flag=True, help="All complexes of the district.")
@click.option("--from", "first_month", required=True, metavar="MONTH", help="As in 2027-01.")
@scheme_option
@click.option("--suspense", type=click.Choice(SUSPENSE), default="shared", show_default=True)
@click.option("--sharing", type=click.Choice(SHARING), default="equal", show_default=True)
@click.option("--reason", required=True)
@district_option
def set_terms(
    complexes: tuple[str, ...],
    all_: bool,
    first_month: str,
    scheme: str,
    suspense: str,
    sharing: str,
    reason: str,
    district: str | None,
) -> None:
    """Bill complexes by other terms from a month on."""
    month, wanted = month_named(first_month, "first_month"), Terms(scheme, suspense, sharing)
    with in_district(district) as (session, district_id):
        codes = list(complexes)
        if all_:
            codes = [row["code"] for row in terms.listed(session, district_id, WHOLE, month)]
        count = terms.change(session, district_id, codes, month, wanted, reason, actor(), now())
    say(CHANGED.fill(count=count))


@click.group("class", cls=Group, ko="세대의 납부 구분", example="jongnyang billing class list")
def class_group() -> None:
    """Payer classes of households."""


@class_group.command("list", cls=Command, ko="납부 구분 목록", example="jongnyang billing class list")
@as_json
@district_option
def list_classes(json_: bool, district: str | None) -> None:
    """Payer classes that there are, and those offered."""
    with in_district(district) as (session, district_id):
        rows = classes.listed(session, district_id)
    if json_:
        return say_json(rows)
    for row in rows:
        click.echo(f"{row['code']}  {row['name_ko']}  {row['name_en']}")
    return None


@class_group.command(
    "set",
    cls=Command,
    ko="지금 사는 세대의 납부 구분을 정합니다.",
    example="jongnyang billing class set W0G001 101 1203 basic_livelihood --from 2026-12 --reason '수급자 증명서'",
)
@click.argument("complex_code", metavar="COMPLEX")
@click.argument("building")
@click.argument("unit")
@click.argument("payer_class", metavar="CLASS")
@click.option("--from", "first_month", required=True, metavar="MONTH", help="As in 2026-12.")
@click.option("--reason", required=True)
@district_option
def set_class(
    complex_code: str, building: str, unit: str, payer_class: str, first_month: str, reason: str, district: str | None
) -> None:
    """Put the household's last tenancy into a class from a month on."""
    month = month_named(first_month, "first_month")
    with in_district(district) as (session, district_id):
        found = households_of(session, district_id, complex_code, plain(building), plain(unit))
        if not found:
            raise Refused(NO_HOUSEHOLD.fill(place=f"{complex_code} {building}-{unit}"))
        tenancy_id = classes.tenancy_of(session, district_id, found[0]["id"], None)
        classes.set_class(session, district_id, tenancy_id, month, payer_class, reason, actor(), now())
    say(CLASS_SET)


@click.command(
    "weights",
    cls=Command,
    ko="차량 계량값 파일(complex, kg)을 점검하고 적용합니다.",
    example="jongnyang billing weights 2026-10 weights.csv\njongnyang billing weights 2026-10 weights.csv --apply",
)
@click.argument("month")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--apply", "apply_", is_flag=True, help="Enter what was checked.")
@click.option("--source", default="", help="Where the weights come from; the file's name unless told.")
@district_option
def weigh(month: str, path: Path, apply_: bool, source: str, district: str | None) -> None:
    """Check a file of what complexes weighed in MONTH by the truck, and enter it with --apply."""
    first, file = month_named(month), File.opened(path)
    with in_district(district) as (session, district_id):
        lines = weights.check_file(session, district_id, first, file)
        wrong = [each for each in lines if each.wrong is not None]
        if wrong:
            told = [WRONG.fill(line=each.line, code=each.complex, kg=each.text) for each in wrong]
            raise Refused(*told, NOT_APPLIED)
        if not apply_:
            return say(USABLE.fill(count=len(lines)))
        grams = weights.usable(lines)
        count = weights.set_weights(session, district_id, first, grams, source or file.name, actor(), now())
    return say(CHANGED.fill(count=count))


@click.command(
    cls=Command,
    ko="고지 기한과 기간을 보이거나 정합니다.",
    example="jongnyang billing limits\njongnyang billing limits --review-days 7",
)
@click.option("--late-months", type=int)
@click.option("--review-days", type=int)
@click.option("--reply-days", type=int)
@click.option("--pay-days", type=int)
@as_json
@district_option
def limits(json_: bool, district: str | None, **given: int | None) -> None:
    """Show the limits and windows of billing, or set those named."""
    changed = {name: value for name, value in given.items() if value is not None}
    with in_district(district) as (session, district_id):
        if changed:
            wanted = policy.of(session, district_id)._replace(**changed)
            policy.change(session, district_id, wanted, actor(), now())
        found = policy.of(session, district_id)._asdict()
    if json_:
        say_json(found)
    else:
        say(LIMITS.fill(**found))


@click.command(
    "what-if",
    cls=Command,
    ko="다른 단가였다면 한 달 요금이 얼마였을지 실제 사용량으로 계산합니다.",
    example="jongnyang billing what-if --won-per-kg 140 --month 2026-10 --json",
)
@month_option
@click.option("--complex", "complex_code", metavar="CODE", help="At this complex only.")
@scheme_option
@class_option
@terms_options
@as_json
@district_option
def compare(
    month: str | None,
    complex_code: str | None,
    scheme: str,
    payer_class: str,
    json_: bool,
    district: str | None,
    **given: Any,
) -> None:
    """What a month's real usage would have cost by another tariff. Nothing is stored."""
    moment = now()
    draft = what_if.Draft(scheme, payer_class, _tariff(service_day(moment), given))
    with open_database() as database, database.reading() as connection, Session(connection) as session:
        district_id = the_district(session, district).id
        usual = what_if.usual_month(session, district_id, service_day(moment))
        first = month_named(month) if month else usual
        found = what_if.compare(session, district_id, WHOLE, draft, first, moment - SETTLED, complex_code)
    told = plain_result(found, draft.tariff)
    if json_:
        return say_json(told)
    say(TOTAL.fill(month=told["month"], **told["total"]))
    say(COUNTS.fill(**told["households"]))
    for tenth in told["tenths"]:
        say(TENTH.fill(**tenth))
    for failed in told["failed"]:
        say(FAILED.fill(**failed))
    return None


def _tariff(first_day: date, given: dict[str, Any]) -> Tariff:
    """A tariff of the options of `terms_options`; raises `invalid`."""
    first, tiers = given.pop("won_per_kg"), given.pop("tiers")
    written = [{"from_g": 0, "won_per_kg": first}]
    for tier in tiers:
        from_kg, _, won = tier.partition(":")
        try:
            written.append({"from_g": weights.grams_of(from_kg), "won_per_kg": won})
        except ValueError:
            written.append({"from_g": None, "won_per_kg": won})
    return tariff_of(first_day, {"tiers": written, **given})


def _in_words(row: dict[str, Any]) -> dict[str, Text]:
    tables = {"scheme": words.SCHEMES, "suspense": words.SUSPENSE, "sharing": words.SHARING}
    return {name: table[row[name]] for name, table in tables.items()}


def _month(text: str | None) -> date:
    return month_named(text) if text else month_of(service_day(now()))


def _written(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
