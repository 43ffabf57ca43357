"""Quiet hours hold back what can wait; in the morning it is one message, of what is still so."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.fleet.messages.models import ContactChannel
from app.fleet.messages.quiet import quiet_until
from billing.days import SEOUL
from tests.messages.world import MORNING, NIGHT, NOON, Outboxed, Receiver

TIMES = st.times(timezones=st.none()).map(lambda each: each.replace(second=0, microsecond=0))
MOMENTS = st.integers(0, 2 * 24 * 3600).map(
    lambda seconds: datetime(2026, 12, 31, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(MOMENTS, TIMES, TIMES)
def test_what_is_held_goes_at_the_first_moment_that_is_not_quiet(now: datetime, start: time, end: time) -> None:
    until = quiet_until(now, start, end)
    assert now <= until < now + timedelta(days=1)
    assert quiet_until(until, start, end) == until
    if until > now:
        assert until.astimezone(SEOUL).time() == end
        assert quiet_until(until - timedelta(microseconds=1), start, end) == until
    if start == end:
        assert until == now


def test_the_night_of_seoul_is_quiet_and_its_day_is_not() -> None:
    assert quiet_until(NIGHT, time(22), time(7)) == MORNING
    assert quiet_until(NOON, time(22), time(7)) == NOON
    assert quiet_until(NOON, time(12), time(13)) == NOON + timedelta(hours=1)


def test_several_notices_of_the_night_are_one_message_in_the_morning(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    kim.now = NIGHT
    for number in (1, 2, 3):
        kim.put(number)
    assert kim.send() == {}
    assert kim.send(MORNING - timedelta(seconds=5)) == {}
    assert kim.send(MORNING) == {"sent": 1}
    (posted,) = receiver.posted
    assert posted["title"] == "밤사이 알림 3건"
    assert all(f"W0G-{number:03}-01-1" in posted["message"] for number in (1, 2, 3))
    assert kim.states() == ["merged"] * 3 + ["sent"]
    assert kim.put(2) is None
    assert kim.told(2) == {kim.account_id}


def test_one_notice_of_the_night_stays_as_it_is(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    kim.now = NIGHT
    kim.put()
    assert kim.send(MORNING) == {"sent": 1}
    assert receiver.posted[0]["kind"] == "fault_opened"


def test_what_is_urgent_breaks_the_quiet_unless_its_reader_forbids_it(kim: Outboxed) -> None:
    kim.add()
    kim.now = NIGHT
    kim.put(1, urgent=True)
    kim.put(2)
    assert kim.send() == {"sent": 1}
    with kim.database.begin() as session:
        session.get_one(ContactChannel, (kim.district_id, 1)).urgent_breaks_quiet = False
    kim.put(3, urgent=True)
    assert kim.send() == {}


def test_a_fault_that_ended_in_the_night_is_not_told_in_the_morning(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    kim.now = NIGHT
    for number in (1, 2):
        kim.put(number)
    assert kim.withdraw(1) == 1
    assert kim.told(1) == set()
    assert kim.send(MORNING) == {"sent": 1}
    assert [posted["title"] for posted in receiver.posted] == ["[고장] 통신 고장 - W0G-002-01-1"]
    assert kim.states() == ["cancelled", "sent"]


def test_a_fault_that_ends_while_its_digest_waits_to_be_tried_again_drops_out_of_it(
    kim: Outboxed, receiver: Receiver
) -> None:
    kim.add()
    kim.now = NIGHT
    for number in (1, 2, 3):
        kim.put(number)
    receiver.answer = lambda: 503
    assert kim.send(MORNING) == {"waiting": 1}
    receiver.answer = lambda: 200
    assert kim.withdraw(2) == 1
    assert kim.send(MORNING + timedelta(minutes=2)) == {"sent": 1}
    assert receiver.posted[-1]["title"] == "밤사이 알림 2건"
    assert "W0G-002" not in receiver.posted[-1]["message"]
    assert (kim.told(1), kim.told(2)) == ({kim.account_id}, set())


def test_a_digest_of_which_nothing_is_left_is_not_sent(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()
    kim.now = NIGHT
    for number in (1, 2):
        kim.put(number)
    receiver.answer = lambda: 503
    kim.send(MORNING)
    for number in (1, 2):
        kim.withdraw(number)
    assert kim.send(MORNING + timedelta(minutes=2)) == {}
    assert kim.states() == ["cancelled"] * 3
    assert len(receiver.posted) == 1


def test_what_ends_while_it_is_being_sent_is_not_tried_again(kim: Outboxed, receiver: Receiver) -> None:
    kim.add()

    def end_and_refuse() -> int:
        kim.withdraw(1)
        return 503

    receiver.answer = end_and_refuse
    kim.put(1)
    assert kim.send() == {"cancelled": 1}
    kim.now = NIGHT
    for number in (1, 2, 3):
        kim.put(number, kind="fault_escalated")
    assert kim.send(MORNING) == {"waiting": 1}
    receiver.answer = lambda: 200
    assert kim.send(MORNING + timedelta(minutes=2)) == {"sent": 1}
    assert "W0G-001" not in receiver.posted[-1]["message"]
    assert kim.states() == ["cancelled", "cancelled", "merged", "merged", "sent"]


def test_what_was_told_is_not_withdrawn(kim: Outboxed) -> None:
    kim.add()
    kim.put()
    kim.send()
    assert kim.withdraw() == 0
    assert kim.told() == {kim.account_id}
    assert kim.states() == ["sent"]
