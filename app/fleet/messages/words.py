"""What messages say, in both languages. A short text is for SMS, whose plain form carries 90 bytes of EUC-KR."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.texts import Text
from billing.days import SEOUL

SHORT_BYTES = 90


class Written(NamedTuple):
    """A message: one line for a mail's subject, a paragraph of lines, and one line for an SMS."""

    subject: Text
    body: Text
    short: Text


class Facts(NamedTuple):
    """What there is to tell: what is wrong, where, since when, who answers for it and until when; any note after it.

    Instants are UTC and are told in Asia/Seoul.
    """

    what: Text
    where: str
    since: datetime
    owner: str | None = None
    due: datetime | None = None
    note: Text | None = None


HEADS = {
    "fault_opened": Text("고장", "Fault"),
    "fault_assigned": Text("고장 담당", "Fault for you"),
    "fault_escalated": Text("고장 처리 지연", "Fault overdue"),
    "fault_closed": Text("고장 복구", "Fault over"),
    "incident_opened": Text("통신 장애", "Outage"),
    "incident_escalated": Text("통신 장애 지속", "Outage goes on"),
    "incident_closed": Text("통신 장애 복구", "Outage over"),
}
WHAT = Text("내용: {what}", "What: {what}")
WHERE = Text("위치: {where}", "Where: {where}")
SINCE = Text("발생: {since}", "Since: {since}")
OWNER = Text("담당: {owner}", "In charge: {owner}")
NO_OWNER = Text("담당: 아직 없음", "In charge: nobody yet")
DUE = Text("처리 기한: {due}", "Due: {due}")
SUBJECT = Text("[{head}] {what} - {where}", "[{head}] {what} – {where}")
SHORT = Text("[{head}] {where} {what} {since}", "[{head}] {where} {what} {since}")
DIGEST_SUBJECT = Text("밤사이 알림 {count}건", "{count} notices from the night")
DIGEST_SHORT = Text("[알림] 밤사이 {count}건: {first}", "[Notices] {count} from the night: {first}")
TEST = Written(
    Text("시험 메시지", "Test message"),
    Text(
        "이 연락처로 알림을 받을 수 있습니다.\n종량에서 보낸 시험 메시지입니다.",
        "Notices reach you here.\nThis is a test message of Jongnyang.",
    ),
    Text("[종량] 시험 메시지입니다.", "[Jongnyang] This is a test message."),
)


def written(kind: str, facts: Facts) -> Written:
    """The texts of a kind of HEADS."""
    values = {"head": HEADS[kind], "what": facts.what, "where": facts.where, "since": moment(facts.since)}
    lines = [WHAT, WHERE, SINCE, OWNER if facts.owner else NO_OWNER]
    if facts.due is not None:
        lines.append(DUE)
        values["due"] = moment(facts.due)
    filled = [line.fill(**values, owner=facts.owner) for line in lines]
    if facts.note is not None:
        filled.append(facts.note)
    return Written(SUBJECT.fill(**values), lines_of(filled), clipped(SHORT.fill(**values)))


def digest_of(messages: Sequence[tuple[str, str]]) -> Written:
    """Several messages, as pairs of subject and body in their reader's language, as one; one alone stays as it is."""
    subjects = [subject for subject, _ in messages]
    first = Text(subjects[0], subjects[0])
    if len(messages) == 1:
        return Written(first, Text(messages[0][1], messages[0][1]), clipped(first))
    body = "\n\n".join(f"{subject}\n{body}" for subject, body in messages)
    values = {"count": len(messages), "first": first}
    return Written(DIGEST_SUBJECT.fill(**values), Text(body, body), clipped(DIGEST_SHORT.fill(**values)))


def lines_of(texts: Sequence[Text]) -> Text:
    """Texts, one a line."""
    return Text("\n".join(text.ko for text in texts), "\n".join(text.en for text in texts))


def clipped(text: Text, size: int = SHORT_BYTES) -> Text:
    """The text cut where an SMS ends."""
    return Text(*(_clip(each, size) for each in text))


def moment(instant: datetime) -> Text:
    """A day and time in Asia/Seoul, as short as both languages read it: 11-27 16:05."""
    shown = instant.astimezone(SEOUL).strftime("%m-%d %H:%M")
    return Text(shown, shown)


def sms_bytes(text: str) -> int:
    """How many bytes an SMS of this text takes in EUC-KR; what it has no sign for counts as two."""
    return len(text.encode("euc-kr", "replace")) + sum(_is_foreign(sign) for sign in text)


def _is_foreign(sign: str) -> bool:
    try:
        sign.encode("euc-kr")
    except UnicodeEncodeError:
        return True
    return False


def _clip(text: str, size: int) -> str:
    if sms_bytes(text) <= size:
        return text
    while sms_bytes(text) > size - 2:
        text = text[:-1]
    return f"{text.rstrip()}.."
