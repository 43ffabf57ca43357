"""What systemd starts runs the chosen release, and gives up one that does not prove itself."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateways.link.launch import MAX_STARTS, place_of
from gateways.link.updates import Installed, Releases, Trial
from tests.gateways.fake_server import FakeServer
from tests.gateways.link.wheels import CRASHES, HANGS, WORKS, install

ROOT = Path(__file__).parents[3]
# A stand-in for the installed software: what runs when no release is chosen.
INSTALLED = "the installed software"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path)


def write_config(folder: Path, trial_s: float = 900) -> Path:
    path = folder / "gateway.toml"
    path.write_text(f'spool = "spool.db"\nsome_newer_setting = 1\n[update]\ntrial_s = {trial_s}\n')
    return path


def start(config: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Launch once, and wait for the end of whatever it became."""
    code = f"""
import os, sys
from pathlib import Path
from gateways.link import launch
def execute(program, command, environment):
    if not environment.get("PYTHONPATH", "").startswith({str(config.parent / "releases")!r}):
        print({INSTALLED!r}); return
    os.execve(program, command, environment)
launch.launch(Path({str(config)!r}), {list(arguments)!r}, execute)
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        cwd=ROOT,
        check=False,
        timeout=60,
    )


def test_without_a_release_the_installed_software_runs(config: Path) -> None:
    assert start(config).stdout.strip() == INSTALLED


def test_a_release_runs_with_its_arguments_and_the_notify_socket(config: Path) -> None:
    install(config.parent / "releases", "1.0").confirm()
    done = start(config, "--json", NOTIFY_SOCKET="/run/notify")
    told = json.loads(done.stdout)
    assert told["software"] == str(config.parent / "releases" / "1.0" / "gateways" / "cli.py")
    assert told["arguments"] == ["run", "--config", str(config), "--json"]
    assert told["notify"] == "/run/notify"


def test_the_release_is_the_same_process_so_that_signals_reach_it(config: Path) -> None:
    releases = install(config.parent / "releases", "1.0", "import os\nprint(os.getpid())\n" + HANGS)
    releases.confirm()
    child = subprocess.Popen(
        [
            sys.executable,
            "-u",
            "-c",
            f"from pathlib import Path; from gateways.link.launch import launch; launch(Path({str(config)!r}), [])",
        ],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )
    with child:
        assert child.stdout is not None
        assert int(child.stdout.readline()) == child.pid
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == -signal.SIGTERM


def test_a_release_that_crashes_is_given_up_after_three_starts(config: Path) -> None:
    install(config.parent / "releases", "1.0", WORKS).confirm()
    releases = install(config.parent / "releases", "1.1", CRASHES)
    codes = [start(config).returncode for _ in range(MAX_STARTS)]
    assert codes == [3] * MAX_STARTS
    assert releases.read().current == "1.1"
    told = json.loads(start(config).stdout)
    assert "/1.0/" in told["software"]
    now = releases.read()
    assert (now.current, now.trial, now.returned) == ("1.0", None, "1.1")
    assert "3 starts" in now.reason


def test_a_first_release_that_crashes_gives_way_to_the_installed_software(config: Path) -> None:
    install(config.parent / "releases", "1.1", CRASHES)
    for _ in range(MAX_STARTS):
        start(config)
    assert start(config).stdout.strip() == INSTALLED


def test_a_confirmed_release_may_start_as_often_as_it_wants(config: Path) -> None:
    releases = install(config.parent / "releases", "1.1", CRASHES)
    start(config)
    releases.confirm()
    assert {start(config).returncode for _ in range(MAX_STARTS + 2)} == {3}
    assert releases.read() == Installed("1.1")


def test_a_release_that_hangs_is_killed_when_its_trial_is_over_and_given_up(tmp_path: Path) -> None:
    config = write_config(tmp_path, trial_s=1)
    releases = install(tmp_path / "releases", "1.1", HANGS)
    began = time.monotonic()
    assert start(config).returncode == -signal.SIGALRM
    assert time.monotonic() - began < 20
    assert start(config).stdout.strip() == INSTALLED
    assert "in 1 s" in releases.read().reason


CONFIRMS = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
for name in [name for name in sys.modules if name.startswith("gateways")]: del sys.modules[name]
from pathlib import Path
from gateways.link.updates import launched
import os
launched("").confirm()
print("confirmed", flush=True)
time.sleep(2.5)
print("still there")
"""


def test_a_release_that_proves_itself_is_not_killed(tmp_path: Path) -> None:
    config = write_config(tmp_path, trial_s=2)
    releases = install(tmp_path / "releases", "1.1", CONFIRMS)
    done = start(config)
    assert (done.returncode, done.stdout.split("\n")[:2]) == (0, ["confirmed", "still there"]), done.stderr
    assert releases.read() == Installed("1.1")


# The gateway's own uplink; the stand-in for the bins' loop ticks ten times a second, and meets its first card some
# seconds after the server's answer.
SERVES = f"""
import sys, threading, time
sys.path.insert(0, {str(ROOT)!r})
for name in [name for name in sys.modules if name.startswith("gateways")]: del sys.modules[name]
from pathlib import Path
from gateways.link.api import Server
from gateways.clock import Clock
from gateways.spool import Spool, open_spool
from gateways.link.trial import Proof, settled_s
from gateways.link.updates import launched
from gateways.link.uplink import Uplink
from tests.gateways.fake_server import key_of
from tests.gateways.link.rig import FAST
folder, url, first_card_s, ends_s, trial_s = Path({{folder!r}}), {{url!r}}, {{first_card_s}}, {{ends_s}}, {{trial_s}}
open_spool(folder / "spool.db").close()
clock, proof, releases = Clock(), Proof(settled_s(trial_s)), launched("")
server = Server(url, clock, key_of("W0G-GW-001"), timeout_s=5)
spool = Spool(folder / "spool.db")
uplink = Uplink(server, spool, clock, list, FAST, releases=releases, is_proven=proof.is_given)
threading.Thread(target=uplink.run, daemon=True).start()
while uplink._status_at < 0:
    time.sleep(0.05)
answered = time.monotonic()
while time.monotonic() - answered < ends_s:
    proof.tick(time.monotonic(), well=True)
    assert time.monotonic() - answered < first_card_s, "the first card"
    time.sleep(0.1)
"""


def test_a_release_that_the_server_answers_to_and_that_dies_at_the_first_card_is_given_up(tmp_path: Path) -> None:
    config = write_config(tmp_path, trial_s=30)
    install(tmp_path / "releases", "1.0", WORKS).confirm()
    with FakeServer() as fake:
        dies = SERVES.format(folder=str(tmp_path), url=fake.url, first_card_s=0.5, ends_s=60, trial_s=30)
        releases = install(tmp_path / "releases", "1.1", dies)
        ends = [start(config) for _ in range(MAX_STARTS)]
        assert ["the first card" in end.stderr for end in ends] == [True] * MAX_STARTS, ends[0].stderr
        assert len(fake.statuses) >= MAX_STARTS
    assert "/1.0/" in json.loads(start(config).stdout)["software"]
    assert (releases.read().current, releases.read().returned) == ("1.0", "1.1")


def test_a_release_that_serves_its_bins_for_long_enough_is_confirmed_between_two_statuses(tmp_path: Path) -> None:
    config = write_config(tmp_path, trial_s=4)
    with FakeServer() as fake:
        serves = SERVES.format(folder=str(tmp_path), url=fake.url, first_card_s=60, ends_s=4.5, trial_s=3)
        releases = install(tmp_path / "releases", "1.1", serves)
        done = start(config)
        assert done.returncode == 0, done.stderr
        told = [notice["kind"] for status in fake.statuses for notice in status["notices"]]
    assert releases.read() == Installed("1.1")
    assert told == ["update_installed"]


def test_a_trial_counts_its_time_anew_after_a_power_cut_but_not_its_starts(config: Path) -> None:
    releases = install(config.parent / "releases", "1.1")
    releases.write(Installed("1.1", None, Trial(2, "an earlier boot", 0.0)))
    start(config)
    now = releases.read()
    assert now.trial is not None
    assert (now.current, now.trial.starts) == ("1.1", 3)
    assert now.trial.boot_id != "an earlier boot"
    assert start(config).stdout.strip() == INSTALLED


def test_a_release_whose_files_are_gone_gives_way(config: Path) -> None:
    releases = install(config.parent / "releases", "1.1")
    releases.confirm()
    (releases.path("1.1") / "gateways" / "cli.py").unlink()
    assert start(config).stdout.strip() == INSTALLED
    assert releases.read().returned == "1.1"


@pytest.mark.parametrize("text", ["", "no toml [", "spool = 3", "update = 5\nspool = 's.db'"])
def test_a_config_that_cannot_be_read_is_left_to_run_to_complain_about(config: Path, text: str) -> None:
    config.write_text(text)
    assert start(config).stdout.strip() == INSTALLED


def test_the_releases_lie_beside_the_spool_unless_the_config_says_otherwise(config: Path) -> None:
    assert place_of(config).folder == config.parent / "releases"
    config.write_text('spool = "/var/lib/jongnyang/spool.db"\n[update]\nfolder = "/opt/releases"\n')
    assert place_of(config) == type(place_of(config))(Path("/opt/releases"), 900.0)


def test_a_damaged_file_of_the_releases_starts_the_installed_software(config: Path) -> None:
    install(config.parent / "releases", "1.1")
    (config.parent / "releases" / "releases.json").write_bytes(b"\0\0")
    assert Releases(config.parent / "releases").read() == Installed()
    assert start(config).stdout.strip() == INSTALLED
