"""What faults are called, in both languages: in messages, on pages and in the terminal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.fleet.faults.policy import CLASSES, REPORTED
from app.fleet.messages.words import moment
from app.texts import Text

CLASS_NAMES = {
    "comm": Text("통신", "Communication"),
    "power": Text("전원", "Power"),
    "weighing": Text("계량", "Weighing"),
    "lock": Text("잠금·뚜껑", "Lock or lid"),
    "card": Text("카드", "Card"),
    "volume": Text("용량 초과", "Bin full"),
    "user": Text("사용자", "Use"),
}
_TOLD = Text("기기가 알린 {name} 고장", "the device reports: {name}")
CONDITION_NAMES = {REPORTED + name: _TOLD.fill(name=CLASS_NAMES[name]) for name in CLASSES} | {
    "gateway_silent": Text("게이트웨이 무응답", "gateway silent"),
    "meter_silent": Text("종량기 무응답", "meter silent"),
    "no_discharges": Text("평소와 달리 배출 없음", "no discharges, unlike usual"),
    "by_person": Text("신고", "reported by a person"),
}
STATE_NAMES = {
    "open": Text("미처리", "Open"),
    "taken": Text("처리 중", "Taken"),
    "closed": Text("종료", "Closed"),
}
EVENT_NAMES = {
    "opened": Text("고장 발생", "Opened"),
    "reopened": Text("다시 발생", "Opened again"),
    "assigned": Text("담당 지정", "Given to somebody"),
    "taken": Text("처리 시작", "Taken"),
    "noted": Text("메모", "Note"),
    "due_changed": Text("기한 변경", "Due time changed"),
    "reclassified": Text("분류 변경", "Class changed"),
    "escalated": Text("상위 담당자에게 알림", "Escalated"),
    "closed": Text("종료", "Closed"),
    "joined": Text("통신 장애에 포함", "Part of an outage"),
    "left": Text("장애 종료 후 남음", "Left over from an outage"),
}
OUTAGE = Text("게이트웨이 {gateways}대 중 {silent}대 무응답", "{silent} of {gateways} gateways silent")
FROM_TO = Text("{before} → {after}", "{before} → {after}")
ITSELF = Text("자동", "by itself")


def what(fault_class: str, condition: str) -> Text:
    """A fault in a few words."""
    name = CLASS_NAMES[fault_class]
    if condition == REPORTED + fault_class:
        return name
    return Text(f"{name.ko} - {CONDITION_NAMES[condition].ko}", f"{name.en} – {CONDITION_NAMES[condition].en}")


def change(event: Mapping[str, Any]) -> Text | None:
    """What an entry of the history changed, or None where it changed nothing that is told."""
    before, after = (_shown(event["kind"], event[name]) for name in ("before", "after"))
    if before is None:
        return after
    return before if after in (None, before) else FROM_TO.fill(before=before, after=after)


def _shown(kind: str, value: str | None) -> Text | None:
    if value is None:
        return None
    if kind == "reclassified":
        return CLASS_NAMES[value]
    if kind == "due_changed":
        return moment(datetime.fromisoformat(value))
    if kind in ("joined", "left"):
        return Text(f"#{value}", f"#{value}")
    return Text(value, value)
