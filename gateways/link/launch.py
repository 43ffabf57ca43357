"""What systemd starts: chooses the release that runs, and gives up one that does not prove itself.

It is always the software that was installed with the box, so that no release can break it. It hands its process over
(exec): signals, the notify socket and the watchdog reach the gateway itself.
"""

import contextlib
import os
import signal
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final

import msgspec

from gateways.clock import boot_id, monotonic
from gateways.link.updates import FOLDER_VARIABLE, Installed, Releases, Trial

MAX_STARTS: Final = 3
_TRIAL_S: Final = 900.0
_NO_PLACE: Final = (OSError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the releases lie, and how many seconds a new one has to prove itself."""

    folder: Path
    trial_s: float


def place_of(config: Path) -> Place:
    """Read what the launcher needs from the config file, and nothing else: a newer release may know newer settings.

    Raises one of _NO_PLACE for a file that names neither folder nor spool.
    """
    values = tomllib.loads(config.read_text(encoding="utf-8"))
    update = values.get("update", {})
    folder = update["folder"] if "folder" in update else releases_folder(Path(values["spool"]))
    return Place(config.parent / folder, float(update.get("trial_s", _TRIAL_S)))


def releases_folder(spool: Path) -> Path:
    """Return where releases lie unless `[update] folder` says otherwise: beside the spool."""
    return spool.parent / "releases"


def launch(config: Path, arguments: list[str], execute: Callable[..., Any] = os.execve) -> None:
    """Become `jongnyang-gateway run`, of the release that is to run. Does not return."""
    path = choose(config)
    environment = dict(os.environ)
    with contextlib.suppress(*_NO_PLACE):
        environment[FOLDER_VARIABLE] = str(place_of(config).folder)
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(path), environment.get("PYTHONPATH")]))
    # -P: the folder that this happens to be started in holds no software.
    command = [sys.executable, "-P", "-m", "gateways.cli", "run", "--config", str(config), *arguments]
    execute(sys.executable, command, environment)


def choose(config: Path) -> Path | None:
    """Return the folder of the release to run, None for the installed software; count a start of one on trial."""
    try:
        place = place_of(config)
    except _NO_PLACE:
        return None  # `run` says what is wrong with the file
    releases = Releases(place.folder)
    try:
        installed = _judge(releases, place.trial_s)
    except OSError as error:
        # A full or read-only disk: what was chosen before goes on, only its trial cannot be counted.
        print(f"{place.folder}: {error.strerror}", file=sys.stderr)
        installed = releases.read()
    return None if installed.current is None else releases.path(installed.current)


def _judge(releases: Releases, trial_s: float) -> Installed:
    now = releases.read()
    if now.current is None:
        return now
    if not releases.is_usable(now.current):
        return releases.roll_back("its files are gone")
    if now.trial is None:
        return now
    trial = _begun(now.trial)
    left_s = trial.first_s + trial_s - monotonic()
    if trial.starts >= MAX_STARTS:
        return releases.roll_back(f"it did not prove itself in {MAX_STARTS} starts")
    if left_s <= 0:
        return releases.roll_back(f"it did not prove itself in {trial_s:.0f} s")
    counted = msgspec.structs.replace(now, trial=msgspec.structs.replace(trial, starts=trial.starts + 1))
    _set_timer(left_s)
    releases.write(counted)
    return counted


def _begun(trial: Trial) -> Trial:
    """Return the trial with its time counted from this boot: a box without power proves nothing."""
    boot = boot_id()
    return trial if trial.boot_id == boot else Trial(trial.starts, boot, monotonic())


def _set_timer(seconds: float) -> None:
    """Have the kernel kill this process, whatever program it is by then; `Releases.confirm` calls that off."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(ceil(seconds))
