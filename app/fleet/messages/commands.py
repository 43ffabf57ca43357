"""`jongnyang message …`: send what is due, look at the outbox, and decide about what did not arrive."""

from datetime import timedelta

import click

from app.console import Command, Group, actor, open_database, read_settings, say, say_json
from app.fleet.messages import queries, sending, service
from app.fleet.messages.models import STATES
from app.registry.districts import the_district
from app.registry.gateway_commands import district_option
from app.registry.imports.words import shown
from app.texts import Text
from app.times import format_instant, now

SENT = Text(
    "보낸 메시지 {sent}건, 다시 시도할 {waiting}건, 실패 {failed}건, 도착 불명 {unknown}건",
    "{sent} sent, {waiting} to be tried again, {failed} failed, {unknown} may not have arrived",
)
LINE = Text(
    "{id}  {created}  {login}  {channel}  {state}  {subject}  {last_error}",
    "{id}  {created}  {login}  {channel}  {state}  {subject}  {last_error}",
)
NONE = Text("메시지가 없습니다.", "There are no messages.")
AGAIN = Text("메시지 {id}을(를) 곧 다시 보냅니다.", "Message {id} is sent again shortly.")
CANCELLED = Text("메시지 {id}을(를) 취소했습니다.", "Message {id} is cancelled.")
PRUNED = Text(
    "{days}일이 지난 메시지 {count}건의 내용을 지웠습니다.",
    "The texts of {count} messages older than {days} days are removed.",
)

as_json = click.option("--json", "json_", is_flag=True, help="Print it as JSON.")


@click.group(cls=Group, ko="고장 알림 메시지", example="jongnyang message send")
def messages() -> None:
    """Messages to people about what is broken."""


@messages.command(
    "send",
    cls=Command,
    ko="보낼 때가 된 메시지를 보냅니다. 타이머가 1분마다 실행합니다.",
    example="jongnyang message send",
)
@as_json
def send(json_: bool) -> None:
    """Send what is due, once; a timer runs it every minute."""
    settings = read_settings()
    with open_database(settings) as database:
        outcomes = sending.send_due(database, settings, now())
    counts = {state: outcomes[state] for state in ("sent", "waiting", "failed", "unknown")}
    if json_:
        say_json(counts)
    else:
        say(SENT.fill(**counts))


@messages.command("list", cls=Command, ko="메시지 목록을 보입니다.", example="jongnyang message list --state unknown")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option("--login", help="Only those to this account.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many, the newest first."
)
@district_option
@as_json
def list_messages(state: str | None, login: str | None, limit: int, district: str | None, json_: bool) -> None:
    """Show messages, the newest first."""
    with open_database() as database, database.begin() as session:
        rows = queries.message_page(session, the_district(session, district).id, state, login, limit=limit)
    if json_:
        times = ("created_at", "due_at", "sent_at")
        say_json([row | {name: row[name] and format_instant(row[name]) for name in times} for row in rows])
        return
    for row in rows:
        texts = {name: row[name] or "-" for name in ("subject", "last_error", "channel")}
        say(LINE.fill(**row | texts, created=shown(row["created_at"].replace(microsecond=0))))
    if not rows:
        say(NONE)


@messages.command(
    "again", cls=Command, ko="도착하지 않은 메시지를 다시 보냅니다.", example="jongnyang message again 17"
)
@click.argument("message_id", type=click.IntRange(1), metavar="NUMBER")
@district_option
def again(message_id: int, district: str | None) -> None:
    """Send a message again that failed or may not have arrived."""
    with open_database() as database, database.begin() as session:
        service.send_again(session, the_district(session, district).id, message_id, actor(), now())
    say(AGAIN.fill(id=message_id))


@messages.command("cancel", cls=Command, ko="메시지를 보내지 않기로 합니다.", example="jongnyang message cancel 17")
@click.argument("message_id", type=click.IntRange(1), metavar="NUMBER")
@district_option
def cancel(message_id: int, district: str | None) -> None:
    """Do not send a message, or no longer ask for it."""
    with open_database() as database, database.begin() as session:
        service.cancel(session, the_district(session, district).id, message_id, actor(), now())
    say(CANCELLED.fill(id=message_id))


@messages.command(
    "prune",
    cls=Command,
    ko="오래된 메시지의 내용과 주소를 지웁니다. 보낸 사실은 남습니다.",
    example="jongnyang message prune --days 400",
)
@click.option("--days", type=click.IntRange(30), default=service.KEPT.days, show_default=True, help="Keep these days.")
@district_option
def prune(days: int, district: str | None) -> None:
    """Remove texts and addresses of old messages; that they were sent stays."""
    with open_database() as database, database.begin() as session:
        district_id = the_district(session, district).id
        count = service.prune(session, district_id, actor(), now(), timedelta(days=days))
    say(PRUNED.fill(days=days, count=count))
