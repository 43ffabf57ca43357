"""Killed at random moments, fifty times in a row, the spool loses nothing that it told to anybody."""

import os
import random
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

from gateways.link.records import Result
from gateways.spool import Spool, open_spool
from tests.gateways.spool import loader
from tests.gateways.spool.support import ALL, NOW, drain, hurry, put, waiting

KILLS = 60


def run_and_kill(path: Path, seed: int, after_s: float) -> list[list[str]]:
    """Let the loader work for a while after it has opened the spool; return what it said."""
    reading, writing = os.pipe()
    child = os.fork()  # quicker than a new interpreter, and killed all the same
    if child == 0:
        os.dup2(writing, 1)
        try:
            loader.main(path, seed)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as output:
        first = output.readline()
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
        said = first + output.read()
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    return [line.split() for line in said.splitlines(keepends=True) if line.endswith("\n")]


def test_sixty_kills_lose_no_number_and_no_record(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    rnd = random.Random(4)
    appended: set[int] = set()
    sent: set[int] = set()
    acknowledged: set[int] = set()
    sessions: set[str] = set()
    epochs: set[str] = set()
    high = 0
    for seed in range(KILLS):
        for what, *words in run_and_kill(path, seed, rnd.uniform(0, 0.05)):
            match what:
                case "epoch":
                    epochs.add(words[0])
                    assert int(words[1]) - 1 - high in (0, 1)  # what was under way may be durable without a word
                    high = int(words[1]) - 1
                case "appended":
                    high += 1
                    assert int(words[0]) == high
                    appended.add(high)
                case "session":
                    sessions.add(words[0])
                case "sent":
                    sent.update(map(int, words))
                case "acknowledged":
                    acknowledged.update(map(int, words))
    with closing(open_spool(path)) as spool:
        epochs.add(spool.epoch())
        left = set(waiting(spool))
        high = spool.next_seq() - 1
        assert all(spool.open_session(meter) == b"{}" for meter in sessions)
    assert len(epochs) == 1
    assert len(appended) > KILLS
    assert left | sent >= set(range(1, high + 1)) >= appended | sent
    assert not left & acknowledged
    assert len(appended) >= high - KILLS


def test_two_threads_share_the_file_with_a_spool_each(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    open_spool(path).close()
    found: dict[tuple[str, int], bytes] = {}
    done = threading.Event()

    def uplink() -> None:
        with hurry(Spool(path)) as own:
            while not done.is_set() or own.depth().records:
                batch = own.pending(7, ALL)
                if batch:
                    for seq, body in zip(batch.seqs, batch.bodies, strict=True):
                        assert (batch.epoch, seq) not in found
                        found[batch.epoch, seq] = body
                    own.acknowledge(batch.epoch, [Result(seq, "stored") for seq in batch.seqs], NOW)
                if len(found) in range(100, 110):
                    own.begin_epoch()

    thread = threading.Thread(target=uplink)
    thread.start()
    with hurry(Spool(path)) as box:
        for _ in range(300):
            put(box)
        done.set()
        thread.join(60)
        assert not thread.is_alive()
        assert drain(box) == {}
        epoch, next_seq = box.epoch(), box.next_seq()
    assert len(found) == 300
    for name in {name for name, _ in found}:
        seqs = [seq for found_epoch, seq in found if found_epoch == name]
        assert seqs == list(range(1, len(seqs) + 1))
    assert next_seq == 1 + sum(1 for name, _ in found if name == epoch)
