"""A process that is killed while it sends leaves nothing that is sent twice: real processes and a real receiver."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta

from app.db import Database
from app.fleet.messages import sending
from app.settings import Settings
from app.times import now
from tests.messages.world import NEVER_QUIET, Mailbox, Outboxed, Receiver, wait_for

LATER = sending.LEASE + timedelta(seconds=1)
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["tests.messages.test_killed", "apprise"])


def send(database_url: str, settings: Settings) -> None:
    """What `jongnyang message send` does, in a process that starts quickly."""
    sending.send_due(Database(database_url), settings, now())


def test_a_message_whose_sender_was_killed_is_unknown_and_never_sent_again_by_itself(
    kim: Outboxed, receiver: Receiver, database_url: str
) -> None:
    kim.now = now()
    kim.add(**NEVER_QUIET)
    kim.put()
    receiver.answer = lambda: time.sleep(20) or 200
    settings = {"JONGNYANG_DATABASE_URL": database_url, "JONGNYANG_SECRET_KEY": "only for tests"}
    settings |= {"JONGNYANG_WEBHOOK_HOSTS": receiver.host}
    command = [sys.executable, "-c", "from app.cli import main; main()", "message", "send"]
    process = subprocess.Popen(command, env=os.environ | settings)
    assert receiver.arrived.wait(30)
    process.send_signal(signal.SIGKILL)
    process.wait()
    receiver.answer = lambda: 200
    assert kim.states() == ["sending"]
    assert kim.send(now()) == {}
    assert kim.states() == ["sending"]
    assert kim.send(now() + LATER) == {}
    assert [(message.state, message.last_error) for message in kim.messages()] == [("unknown", "lost")]
    assert kim.send(now() + LATER * 2) == {}
    assert list(receiver.keys.values()) == [1]


def test_senders_killed_at_any_moment_never_deliver_a_message_twice(
    kim: Outboxed, mailbox: Mailbox, database_url: str
) -> None:
    kim.now = now()
    kim.settings = Settings(mail_url=mailbox.template)
    kim.add("email", "kim@example.kr", **NEVER_QUIET)
    for number in range(8):
        kim.put(number)
    chance = random.Random(5)
    kills = 0
    while "waiting" in kim.states():
        process = forks.Process(target=send, args=(database_url, kim.settings))
        process.start()
        seen = len(mailbox.mails)
        wait_for(lambda seen=seen, process=process: len(mailbox.mails) > seen or not process.is_alive(), 20)
        time.sleep(chance.uniform(0, 0.1))
        kills += process.is_alive()
        process.kill()
        process.join()
    kim.send(now() + LATER)
    keys = [mail.partition("X-Jongnyang-Message: ")[2].split()[0] for _, mail in mailbox.mails]
    assert len(keys) == len(set(keys))
    assert set(kim.states()) <= {"sent", "unknown"}
    assert kim.states().count("unknown") <= kills
    assert kills > 0
