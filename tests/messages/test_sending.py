"""What is written into the outbox reaches the world once, by the channel that works."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.access.models import Account
from app.fleet.messages import channels, sending
from app.fleet.messages.senders import Outcome
from tests.messages.world import NEVER_QUIET, NOON, Mailbox, Outboxed, Receiver, wait_for


def test_a_notice_reaches_the_webhook_once_with_a_key_and_a_link(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    kim.put()
    assert kim.put() is None
    assert kim.send() == {"sent": 1}
    assert kim.send() == {}
    (posted,) = receiver.posted
    assert posted["title"] == "[고장] 통신 고장 - W0G-001-01-1"
    assert "담당: 김하늘" in posted["message"]
    assert "처리 기한: 11-27 23:00" in posted["message"]
    assert (posted["kind"], posted["url"]) == ("fault_opened", "https://jongnyang.example.kr/faults/1")
    assert list(receiver.keys.values()) == [1]
    (message,) = kim.messages()
    assert (message.state, message.attempts, message.last_error) == ("sent", 1, None)
    assert message.sent_at is not None


def test_a_notice_goes_with_the_transaction_that_it_tells_of(kim: Outboxed) -> None:
    kim.add()

    def fail() -> None:
        with kim.database.begin() as session:
            channels.send_test(session, kim.district_id, kim.account_id, 1, "kim", kim.now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert kim.messages() == []


def test_a_mail_is_written_in_the_readers_language(kim: Outboxed, mailbox: Mailbox) -> None:
    kim.settings = replace(kim.settings, mail_url=mailbox.template)
    kim.add("email", "kim+alerts@example.kr", language="en")
    kim.put()
    assert kim.send() == {"sent": 1}
    ((to, mail),) = mailbox.mails
    assert to == "kim+alerts@example.kr"
    assert "Auto-Submitted: auto-generated" in mail
    assert "X-Jongnyang-Message: 1-1" in mail
    assert "text/html" not in mail
    assert kim.messages()[0].subject == "[Fault] Communication fault – W0G-001-01-1"


def test_an_sms_goes_to_the_gateway_that_the_setting_names_and_is_short(kim: Outboxed, receiver: Receiver) -> None:
    kim.settings = replace(kim.settings, sms_url=f"json://{receiver.host}/sms/{{phone}}/{{e164}}")
    kim.add("sms", "010 1234 5678")
    kim.put()
    assert kim.send() == {"sent": 1}
    (posted,) = receiver.posted
    assert posted["path"] == "/sms/01012345678/+821012345678"
    assert posted["message"] == "[고장] W0G-001-01-1 통신 고장 11-27 12:00"
    assert len(posted["message"].encode("euc-kr")) <= 90


def test_what_is_refused_is_tried_again_later_and_then_by_the_next_channel(
    kim: Outboxed, receiver: Receiver, mailbox: Mailbox
) -> None:
    kim.settings = replace(kim.settings, mail_url=mailbox.template)
    kim.add(**NEVER_QUIET)
    kim.add("email", "kim@example.kr", **NEVER_QUIET)
    receiver.answer = lambda: 503
    kim.put()
    for minutes in (0, 1, 5, 30, 120):
        later = kim.now + timedelta(minutes=minutes, seconds=2)
        assert kim.send(later) == {"waiting": 1} | ({"sent": 1} if minutes == 120 else {})
        assert mailbox.mails == [] or minutes == 120
    assert len(receiver.posted) == 5
    assert [to for to, _ in mailbox.mails] == ["kim@example.kr"]
    assert kim.states() == ["sent"]


def test_before_its_time_nothing_is_tried_again(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    receiver.answer = lambda: 500
    kim.put()
    kim.send()
    assert kim.send(NOON + timedelta(seconds=50)) == {}
    (message,) = kim.messages()
    assert (message.state, message.last_error) == ("waiting", "refused: 500")
    receiver.answer = lambda: 200
    assert kim.send(NOON + timedelta(seconds=70)) == {"sent": 1}


def test_an_address_that_moves_is_not_followed(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    receiver.answer = lambda: 302
    kim.put()
    assert kim.send() == {"waiting": 1}
    assert [posted["path"] for posted in receiver.posted] == ["/alerts"]
    assert kim.messages()[0].last_error == "refused: 302"


def test_who_hangs_up_without_an_answer_may_have_it_so_it_is_not_sent_again(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    receiver.answer = lambda: 0
    kim.put()
    assert kim.send() == {"unknown": 1}
    assert kim.send(NOON + timedelta(days=1)) == {}
    assert list(receiver.keys.values()) == [1]


def test_a_mail_that_the_server_will_not_take_is_tried_again(kim: Outboxed, mailbox: Mailbox) -> None:
    kim.settings = replace(kim.settings, mail_url=mailbox.template)
    kim.add("email", "kim@example.kr")
    mailbox.refuse = b"452 full\r\n"
    kim.put()
    assert kim.send() == {"waiting": 1}
    assert kim.messages()[0].last_error == "refused: 452"


def test_nobody_at_the_other_end_is_a_failure_that_is_tried_again(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    receiver.server.shutdown()
    receiver.server.server_close()
    kim.put()
    assert kim.send() == {"waiting": 1}
    assert kim.messages()[0].last_error == "not-reached"


def test_who_has_no_channel_fails_at_once_and_says_so(kim: Outboxed) -> None:
    kim.put()
    (message,) = kim.messages()
    assert (message.state, message.last_error) == ("failed", "no-channel")


def test_a_kind_of_channel_without_its_setting_fails_and_names_the_setting(kim: Outboxed) -> None:
    kim.add("sms", "010-1234-5678")
    kim.put()
    assert kim.send() == {"failed": 1}
    assert kim.messages()[0].last_error == "no-sender: JONGNYANG_SMS_URL"


def test_a_host_that_is_no_longer_allowed_is_not_called(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    kim.put()
    kim.settings = replace(kim.settings, webhook_hosts=("hooks.example.kr",))
    assert kim.send() == {"failed": 1}
    assert receiver.posted == []
    assert kim.messages()[0].last_error == "forbidden-host"


def test_a_channel_that_is_gone_or_changed_while_a_message_waits_is_not_used_as_it_was(
    kim: Outboxed, receiver: Receiver
) -> None:
    first = kim.add()
    kim.add(address=f"http://{receiver.host}/second")
    kim.put()
    with kim.database.begin() as session:
        channels.remove_channel(session, kim.district_id, kim.account_id, first, "kim", kim.now)
    assert kim.send() == {"sent": 1}
    assert [posted["path"] for posted in receiver.posted] == ["/second"]


def test_whoever_may_no_longer_log_in_is_told_nothing(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    kim.put()
    with kim.database.begin() as session:
        session.execute(sa.update(Account).values(disabled_at=kim.now))
    assert kim.send() == {}
    assert kim.states() == ["failed"]
    assert receiver.posted == []


def test_a_test_message_tries_its_channel_at_once_and_no_other(kim: Outboxed, receiver: Receiver) -> None:
    kim.add(address=f"http://{receiver.host}/first", urgent_breaks_quiet=False)
    second = kim.add()
    receiver.answer = lambda: 500
    kim.now = NOON.replace(hour=16)  # 01:00 in Seoul
    for _ in range(2):
        with kim.database.begin() as session:
            channels.send_test(session, kim.district_id, kim.account_id, second, "kim", kim.now)
    assert kim.send() == {"failed": 1}
    assert [posted["path"] for posted in receiver.posted] == ["/alerts"]


def test_a_message_that_turns_out_to_have_arrived_after_all_is_recorded_as_sent(kim: Outboxed) -> None:
    kim.add()
    kim.put()
    claimed = sending.claim(kim.database, kim.now)
    assert claimed is not None
    sending.give_up_lost(kim.database, kim.now + timedelta(minutes=11))
    assert kim.states() == ["unknown"]
    assert sending.record(kim.database, claimed, Outcome("sent"), kim.now) == "sent"


def test_several_who_send_at_once_share_the_messages(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    for number in range(20):
        kim.put(number)
    threads = [threading.Thread(target=kim.send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: set(kim.states()) == {"sent"})
    assert len(receiver.keys) == 20
    assert set(receiver.keys.values()) == {1}
