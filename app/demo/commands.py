"""`jongnyang demo …`: a small town with simulated gateways, to look at and to play with."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import sqlalchemy as sa

from app.access.second_factor import STEP_SECONDS
from app.console import Command, Group, open_database, read_settings, say
from app.db import UNAVAILABLE, Database, upgrade
from app.demo import bills
from app.demo.address import Address, parse_bind
from app.demo.fleet import FLEET_FILE
from app.demo.history import HISTORY_DAYS, History
from app.demo.loading import load
from app.demo.people import ACCOUNT_FILE, Demo, kept
from app.demo.processes import alone, stop_on_signals
from app.demo.progress import progress
from app.demo.run import Play
from app.demo.town import SITES, gateway_code
from app.settings import Settings
from app.texts import Refused, Text, listed
from app.times import now

VAR = Path("var")
LOCK_FILE = "demo.lock"
USUAL_RATE = 4.0  # discharges a minute: something to see, though seven times what three complexes really do

PREPARING_DISTRICT = Text(
    "자치구 전체 데모를 준비합니다: 처음에는 세대 등록에 30초쯤, 지난 배출을 만드는 데 몇 분이 걸립니다 …",
    "Preparing the demo of the whole district: the first time, registering its households takes about 30 s and making "
    "the history some minutes …",
)
MAKING_HISTORY = Text("지난 배출을 만듭니다:", "Making the history:")
PREPARING = Text("데모를 준비합니다 …", "Preparing the demo …")
LOADED = Text(
    "데모 자료가 준비되었습니다: 단지 {complexes}개, 세대 {households}개, 게이트웨이 {complexes}대.\n"
    "{accounts}\n"
    "다음: jongnyang serve, 다른 터미널에서 jongnyang-gateway simulate --fleet {fleet}",
    "The demo is loaded: {complexes} complexes, {households} households, {complexes} gateways.\n"
    "{accounts}\n"
    "Next: jongnyang serve, and in another terminal jongnyang-gateway simulate --fleet {fleet}",
)
WELCOME = Text(
    "\n종량 데모가 시작되었습니다.\n"
    "  주소      {url}\n"
    "  로그인    {accounts}\n"
    "  인증 번호 30초마다 바뀝니다: jongnyang demo codes\n"
    "  자료      {data}\n"
    "  파일      {var} (비밀번호, 게이트웨이, 서비스 기록 service.log)\n"
    "  멈추기    Ctrl-C. 다시 실행하면 이어집니다.\n"
    "  이야기    {stories}\n"
    "아래에는 가상 주민의 배출이 하나씩 나타납니다.\n",
    "\nThe Jongnyang demo is running.\n"
    "  Address   {url}\n"
    "  Log-in    {accounts}\n"
    "  Codes     new every 30 seconds: jongnyang demo codes\n"
    "  Data      {data}\n"
    "  Files     {var} (password, gateways, the service's service.log)\n"
    "  Stop      Ctrl-C. Run it again and it goes on.\n"
    "  Stories   {stories}\n"
    "Below, each discharge of the simulated residents appears.\n",
)
CODES = Text("{accounts}\n{seconds}초 뒤에 바뀝니다.", "{accounts}\nThey change in {seconds} seconds.")
NO_DEMO = Text(
    "여기에는 데모가 없습니다: {file}. make run을 실행한 폴더에서 다시 실행하세요.",
    "There is no demo here: {file}. Run this in the folder where make run was started.",
)
STOPPED = Text("데모를 멈췄습니다.", "The demo has stopped.")


@click.group("demo", cls=Group, ko="모의 게이트웨이가 있는 데모", example="jongnyang demo run")
def demo() -> None:
    """A demo with simulated gateways."""


@demo.command(
    "load",
    cls=Command,
    ko="데모 자료를 넣습니다. 다시 실행해도 바뀌는 것이 없습니다.",
    example="jongnyang db upgrade\njongnyang demo load",
)
def load_command() -> None:
    """Load the demo's complexes, households and gateways; a second time changes nothing."""
    settings = read_settings()
    with alone(VAR / LOCK_FILE), open_database(settings) as database:
        made = load(database, VAR, now(), secret_key=settings.secret_key)
    homes, accounts = f"{sum(site.households for site in SITES):,}", listed(made.said(now()), "\n")
    say(LOADED.fill(complexes=len(SITES), households=homes, accounts=accounts, fleet=VAR / FLEET_FILE))


@demo.command(
    "codes",
    cls=Command,
    ko="데모 계정의 로그인 이름, 비밀번호와 지금의 인증 번호를 보입니다.",
    example="jongnyang demo codes",
)
def codes_command() -> None:
    """Show login, password and the present code of each account of the demo."""
    found, moment = kept(VAR), now()
    if found is None:
        raise Refused(NO_DEMO.fill(file=VAR / ACCOUNT_FILE))
    left = STEP_SECONDS - int(moment.timestamp()) % STEP_SECONDS
    say(CODES.fill(accounts=listed(found.said(moment), "\n"), seconds=left))


@demo.command(
    "run",
    cls=Command,
    ko="데모 자료와 지난 배출을 준비하고 서비스와 모의 게이트웨이를 Ctrl-C까지 실행합니다.",
    example="jongnyang demo run --rate 60\nJONGNYANG_BIND=127.0.0.1:8080 jongnyang demo run",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=USUAL_RATE,
    show_default=True,
    help="Discharges a minute, of all simulated meters together.",
)
@click.option(
    "--days",
    type=click.IntRange(0, HISTORY_DAYS),
    default=HISTORY_DAYS,
    show_default=True,
    help="Days of history; the same every time.",
)
@click.option("--full", is_flag=True, help="The whole district: 149 complexes, 62,016 households, 724 meters.")
def run_command(rate: float, days: int, full: bool) -> None:
    """Set up the demo and its history, then run the service and simulated gateways until Ctrl-C."""
    stop = stop_on_signals()
    settings = read_settings()
    address = parse_bind(settings.bind)
    with alone(VAR / LOCK_FILE):
        address.refuse_if_taken()
        say(PREPARING_DISTRICT if full else PREPARING)
        with _migrated(settings) as database:
            made = load(database, VAR, now(), full, settings.secret_key)
            history = History(database, days)
            _fill(history, stop)
            if not stop.is_set():
                play = Play(address, VAR, rate, stop, lambda: _keep_up(history, stop))
                play.run(lambda: _welcome(settings, address, made, history))
    say(STOPPED)


@contextmanager
def _migrated(settings: Settings) -> Iterator[Database]:
    upgrade(settings.database_url)
    database = Database(settings.database_url, pool_size=1)
    try:
        yield database
    finally:
        database.dispose()


def _fill(history: History, stop: threading.Event) -> None:
    with progress(MAKING_HISTORY) as tell:
        history.fill(now(), stop.is_set, tell)
    history.fill(now(), stop.is_set)  # what came about while it was made
    if not stop.is_set():
        bills.bill(history.database, now())


def _keep_up(history: History, stop: threading.Event) -> None:
    """Go on for the gateways that nobody simulates; when the database is busy, a minute later."""
    with suppress(*UNAVAILABLE):
        history.fill(now(), stop.is_set, without=[gateway_code(site.code) for site in SITES])


def _welcome(settings: Settings, address: Address, made: Demo, history: History) -> None:
    url = sa.make_url(settings.database_url)
    data = str(Path(url.database).absolute()) if settings.embedded and url.database else url.render_as_string()
    stories = listed(history.stories(), f"\n{' ' * 12}")
    accounts = listed(made.said(now()), f"\n{' ' * 12}")
    say(WELCOME.fill(url=address.url, data=data, var=VAR.absolute(), stories=stories, accounts=accounts))
