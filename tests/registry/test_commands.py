"""The terminal: what is printed, in which language, and how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli import main
from app.db import Database
from tests.registry.support import Registry, complexes, households

Run = Callable[..., Result]


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    url = sa.make_url(database_url).render_as_string(hide_password=False)
    return {"JONGNYANG_DATABASE_URL": url, "JONGNYANG_SECRET_KEY": "of the tests", "LC_ALL": "C.UTF-8"}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Types a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, code: int = 0, **changed: str) -> Result:
        result = CliRunner().invoke(main, arguments, env=environment | changed)
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture
def files(registry: Registry) -> dict[str, str]:
    return {
        "complexes": str(registry.file(complexes({}), "complexes.csv")),
        "households": str(registry.file(households({}), "households.csv")),
    }


def commands(group: click.Group = main, path: str = "jongnyang") -> Iterator[tuple[str, click.Command]]:
    """Every command with all that has to be typed before it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


@pytest.mark.parametrize("path", [path for path, _ in commands()])
def test_the_help_of_every_command_shows_an_example(path: str) -> None:
    result = CliRunner().invoke(main, [*path.split()[1:], "--help"], env={"LC_ALL": "C.UTF-8"})
    assert result.exit_code == 0
    assert path in result.output.split("\n", 1)[1], "Only the usage names the command."


def test_help_speaks_the_language_of_the_terminal(run: Run) -> None:
    assert "K-eco 단지 목록" in run("import", "complexes", "--help", LC_ALL="ko_KR.UTF-8").output
    assert "K-eco list of complexes" in run("import", "complexes", "--help").output
    assert "K-eco 단지 목록" in run("--lang", "ko", "import", "complexes", "--help").output


def test_a_file_is_looked_at_imported_listed_and_taken_back(run: Run, files: dict[str, str]) -> None:
    assert "Nothing was imported yet" in run("import", "list").output
    dry = run("import", "complexes", files["complexes"], "--dry-run").output.splitlines()
    real = run("import", "complexes", files["complexes"]).output.splitlines()
    assert dry[:-1] == real[:-1]
    assert real[-1] == "Recorded as import T0X/1. To take it back: jongnyang import undo T0X/1"
    assert "0 changes" in run("import", "complexes", files["complexes"]).output
    assert "created 2, updated 0" in run("import", "list").output
    assert "되돌렸습니다: 가져오기 T0X/1 (법정동 1, 단지 1)" in run("--lang", "ko", "import", "undo", "1").output
    assert "taken back already" in run("import", "undo", "1", code=2).stderr
    assert "(taken back: " in run("import", "list").output


def test_a_program_reads_json(run: Run, files: dict[str, str]) -> None:
    run("import", "complexes", files["complexes"])
    report = json.loads(run("import", "households", files["households"], "--json").output)
    assert report["batch"] == "T0X/2"
    assert report["rows"] == {"read": 1, "used": 1, "skipped": 0}
    (first, second) = json.loads(run("import", "list", "--json").output)
    assert (first["kind"], second["batch"], second["created"]) == ("complexes", "T0X/2", 5)


def test_a_bad_file_ends_with_2_and_one_sentence_in_either_language(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    english = run("import", "households", "bad.csv", code=2)
    assert english.stdout == ""
    assert english.stderr.startswith("Line 1 lacks the columns complex_code, building")
    assert "1번째 줄에 없는 열" in run("import", "households", "bad.csv", code=2, LANG="ko_KR", LC_ALL="").stderr


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///none.db", "Run first: jongnyang db upgrade"),
        ("postgresql://nobody:hidden@127.0.0.1:1/none", "The database cannot be used"),
        ("nonsense", "JONGNYANG_DATABASE_URL cannot be used"),
        ("mysql://a/b", "JONGNYANG_DATABASE_URL cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_a_sentence(run: Run, url: str, expected: str) -> None:
    for arguments in (["import", "list"], ["gateway", "list"], ["serve"]):
        said = run(*arguments, code=2, JONGNYANG_DATABASE_URL=url).stderr
        assert expected in said
        assert "Traceback" not in said
        assert "hidden" not in said


def test_a_missing_setting_is_told(run: Run) -> None:
    changed = {"JONGNYANG_DATABASE_URL": "postgresql://a/b", "JONGNYANG_SECRET_KEY": ""}
    assert "JONGNYANG_SECRET_KEY is not set" in run("import", "list", code=2, **changed).stderr


def test_the_database_is_set_up_and_taken_back_by_command(run: Run, tmp_path: Path) -> None:
    url = {"JONGNYANG_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    assert "(not set up)" in run("db", "revision", **url).output
    assert "newest migration" in run("db", "upgrade", **url).output
    run("db", "downgrade", "0001_registry", "--yes", **url)
    assert "older than this program (0001_registry" in run("import", "list", code=2, **url).stderr
    assert "cannot be done" in run("db", "downgrade", "nowhere", "--yes", code=2, **url).stderr


def test_a_database_from_the_future_is_not_touched(run: Run, environment: dict[str, str]) -> None:
    database = Database(environment["JONGNYANG_DATABASE_URL"])
    with database.begin() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999_later'"))
    database.dispose()
    assert "newer than this program (9999_later)" in run("import", "list", code=2).stderr


def test_a_gateway_is_added_with_its_meters_and_gets_a_code(run: Run, files: dict[str, str]) -> None:
    run("import", "complexes", files["complexes"])
    assert "There is no gateway yet" in run("gateway", "list").output
    added = run("gateway", "add", "GW-1", "--complex", "T0X001", "--meter", "M-1", "--meter", "M-2")
    assert "Gateway GW-1 was added with 2 meters" in added.output
    assert "T0X/GW-1  no key  meters: M-1, M-2" in run("gateway", "list").output
    code = json.loads(run("gateway", "claim-code", "GW-1", "--json").output)["claim_code"]
    assert re.fullmatch(r"[0-9a-f]{30}", code)
    assert json.loads(run("gateway", "list", "--json").output)[0]["meters"] == ["M-1", "M-2"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["add", "GW/1"], "The code cannot be used: GW/1"),
        (["add", "GW-1"], "registered already: GW-1"),
        (["add", "GW-2", "--complex", "T0X001", "--meter", "M-1"], "registered already: M-1"),
        (["add", "GW-2", "--complex", "T0X001", "--meter", "M-2", "--meter", "M-2"], "registered already: M-2"),
        (["add", "GW-2", "--complex", "T0X009", "--meter", "M-2"], "No complex has the code T0X009"),
        (["add", "GW-2", "--meter", "M-2"], "with --complex"),
        (["add", "GW-2", "--district", "T0Y"], "No district has the code T0Y"),
        (["claim-code", "GW-9"], "No gateway has the code GW-9"),
    ],
)
def test_a_gateway_that_cannot_be_added_is_told_why(
    run: Run, files: dict[str, str], arguments: list[str], expected: str
) -> None:
    run("import", "complexes", files["complexes"])
    run("gateway", "add", "GW-1", "--complex", "T0X001", "--meter", "M-1")
    assert expected in run("gateway", *arguments, code=2).stderr
    assert len(json.loads(run("gateway", "list", "--json").output)) == 1


def test_sqlite_is_served_by_one_worker(run: Run, dialect: str) -> None:
    if dialect == "sqlite":
        assert "one worker only" in run("serve", "--workers", "2", code=2).stderr


def test_the_service_answers_and_ends_with_ctrl_c(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-c", "from app.cli import main; main()", "serve", "--bind", bind]
    root = str(Path(__file__).parents[2])
    served = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=os.environ | environment | {"PYTHONPATH": root, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert _answer(f"http://{bind}/readyz")["status"] == "ready"
    finally:
        os.killpg(served.pid, signal.SIGINT)
        out, err = served.communicate(timeout=30)
    assert served.returncode == 0
    assert out.startswith(f"Serving on http://{bind}")
    assert all(json.loads(line)["event"] for line in err.splitlines())
    assert not list(tmp_path.glob("jongnyang-metrics-*"))
    with pytest.raises(ProcessLookupError):
        os.killpg(served.pid, 0)


def _answer(url: str) -> dict[str, str]:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                answer: dict[str, str] = json.load(response)
                return answer
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")
