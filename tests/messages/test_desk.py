"""What staff decide about messages that did not arrive, and what is forgotten with time."""

from datetime import timedelta

import pytest
from click.testing import CliRunner

from app.cli import main
from app.fleet.messages import queries, service
from app.problems import Problem
from tests.messages.world import NIGHT, NOON, Outboxed, Receiver


def test_what_is_unknown_is_sent_again_by_hand_under_the_same_key(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    receiver.answer = lambda: 0
    kim.put()
    assert kim.send() == {"unknown": 1}
    receiver.answer = lambda: 200
    with kim.database.begin() as session:
        service.send_again(session, kim.district_id, 1, "lee", kim.now)
    assert kim.send() == {"sent": 1}
    assert list(receiver.keys.values()) == [2]


def test_sending_again_starts_with_the_first_channel_and_knows_no_quiet_hours(
    kim: Outboxed, receiver: Receiver
) -> None:
    kim.put()
    kim.add()
    kim.now = NIGHT
    with kim.database.begin() as session:
        service.send_again(session, kim.district_id, 1, "lee", kim.now)
    assert kim.send() == {"sent": 1}


@pytest.mark.parametrize("action", [service.send_again, service.cancel])
def test_what_arrived_is_neither_sent_again_nor_cancelled(kim: Outboxed, action: object) -> None:
    kim.add()
    kim.put()
    kim.send()
    with pytest.raises(Problem) as refusal, kim.database.begin() as session:
        action(session, kim.district_id, 1, "lee", kim.now)  # type: ignore[operator]
    assert refusal.value.slug == "message-settled"


def test_old_texts_and_addresses_are_forgotten_but_not_that_they_were_sent(kim: Outboxed) -> None:
    kim.add()
    kim.put(1)
    kim.send()
    kim.now = NOON + timedelta(days=1)
    kim.put(2)
    with kim.database.begin() as session:
        assert service.prune(session, kim.district_id, "cron", NOON + timedelta(days=400, hours=12)) == 1
        assert service.prune(session, kim.district_id, "cron", NOON + timedelta(days=400, hours=12)) == 0
    first, second = kim.messages()
    assert (first.body, first.subject, first.address, first.state) == (None, None, None, "sent")
    assert second.body is not None
    assert kim.put(1) is None


def test_others_see_somebodys_channels_masked(kim: Outboxed) -> None:
    kim.add("sms", "010-1234-5678")
    with kim.database.begin() as session:
        (channel,) = queries.masked_channels(session, kim.district_id, "kim")
        assert channel["address"] == "010-••••-5678"
        assert queries.masked_channels(session, kim.district_id, "nobody") == []
        assert queries.masked_channels(session, kim.district_id + 1, "kim") == []


def test_the_commands_send_list_decide_and_forget(
    kim: Outboxed, receiver: Receiver, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JONGNYANG_DATABASE_URL", database_url)
    monkeypatch.setenv("JONGNYANG_SECRET_KEY", "only for tests")
    monkeypatch.setenv("JONGNYANG_WEBHOOK_HOSTS", receiver.host)

    def run(*words: str) -> str:
        result = CliRunner().invoke(main, ["--lang", "en", "message", *words])
        assert result.exit_code == 0, result.output
        return result.output

    kim.put(1)
    kim.add()
    kim.put(2)
    assert "W0G-002-01-1" in run("list", "--state", "waiting")
    assert "Message 1 is sent again" in run("again", "1")
    assert "Message 2 is cancelled" in run("cancel", "2")
    assert '"sent": 1' in run("send", "--json")
    assert '"state": "sent"' in run("list", "--json", "--login", "kim")
    assert "0 sent" in run("send")
    assert "0 messages older than 400 days" in run("prune")
    assert "There are no messages" in run("list", "--state", "failed")
