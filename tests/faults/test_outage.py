"""A network-wide outage of 724 gateways, told by real webhooks: one incident, and two messages a recipient."""

import os
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from app.db import Database
from app.fleet.faults.remembering import service_started
from app.fleet.messages import channels
from app.fleet.messages.channels import Channel
from app.fleet.messages.sending import send_due
from app.settings import Settings
from app.times import now
from tests.faults.fleet import MINUTE, Fleet
from tests.messages.world import NEVER_QUIET, Receiver

GATEWAYS, COMPLEXES = 724, 149


class Office:
    """The district with its people, each of whom is told by a webhook of their own."""

    def __init__(self, database: Database, receiver: Receiver) -> None:
        self.fleet, self.receiver = Fleet(database, GATEWAYS, COMPLEXES), receiver
        self.settings = Settings(webhook_hosts=(receiver.host,), public_url="https://jongnyang.example.kr")
        self.head = self.fleet.person("kim")
        self.keepers = [self.fleet.person(f"keeper{n}", "contractor", complex_ids=(n,)) for n in (1, 2)]
        self.fleet.duty(self.head)
        for complex_id, keeper in enumerate(self.keepers, 1):
            self.fleet.duty(keeper, complex_id=complex_id, fault_class="comm", above=self.head)
        for account_id in (self.head, *self.keepers):
            channel = Channel("webhook", f"{receiver.url}/{account_id}", **NEVER_QUIET)
            with database.begin() as session:
                hosts = self.settings.webhook_hosts
                channels.add_channel(session, self.fleet.id, account_id, channel, "kim", now(), webhook_hosts=hosts)

    def told(self, moment: datetime) -> Counter[tuple[int, str]]:
        """What has arrived when all was sent that is due then: by reader and kind."""
        send_due(self.fleet.database, self.settings, moment)
        return Counter((int(post["path"].rpartition("/")[2]), post["kind"]) for post in self.receiver.posted)


@pytest.fixture
def office(database: Database, receiver: Receiver) -> Office:
    return Office(database, receiver)


def run(database_url: str, tmp_path: Path, *arguments: str) -> str:
    """A command in a process of its own, as a timer starts it."""
    program = Path(sys.executable).with_name("jongnyang")
    settings = {"JONGNYANG_DATABASE_URL": database_url, "JONGNYANG_SECRET_KEY": "only for tests", "LANG": "C"}
    done = subprocess.run(
        [program, *arguments], env=os.environ | settings, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_outage_is_one_incident_and_one_message_a_recipient(
    office: Office, database: Database, database_url: str, tmp_path: Path
) -> None:
    fleet, everybody = office.fleet, {office.head, *office.keepers}
    start = now() - 30 * MINUTE
    moment = fleet.minutes(start, 1)
    moment = fleet.minutes(moment, 29, 4, without=fleet.numbers)
    opened = Counter({(each, "incident_opened"): 1 for each in everybody})
    assert office.told(moment) == opened

    (incident,) = fleet.incidents()
    assert (incident.silent, incident.gateways, incident.closed_at) == (GATEWAYS, GATEWAYS, None)
    faults = fleet.faults()
    assert len(faults) == GATEWAYS
    assert {(each.condition, each.state, each.incident_id) for each in faults} == {("gateway_silent", "open", 1)}

    with database.begin() as session:  # the service and the watch start again
        service_started(session, now())
    assert "0 faults opened" in run(database_url, tmp_path, "fault", "check")
    moment = fleet.minutes(now() + MINUTE, 16, 4, without=fleet.numbers)
    assert office.told(moment) == opened
    assert len(fleet.incidents()) == 1
    assert len(fleet.faults()) == GATEWAYS

    moment = fleet.minutes(moment, 17, 4)
    (incident,) = fleet.incidents()
    assert incident.closed_at is not None
    assert {each.state for each in fleet.faults()} == {"closed"}
    both = opened + Counter({(each, "incident_closed"): 1 for each in everybody})
    assert office.told(moment) == both
    moment = fleet.minutes(moment, 1)
    assert office.told(moment) == both
