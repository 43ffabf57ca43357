"""What states, decisions and events of disputes are called, in both languages."""

from app.texts import Text

STATE_NAMES = {
    "open": Text("처리 중", "Open"),
    "accepted": Text("인정", "Accepted"),
    "partly": Text("일부 인정", "Accepted in part"),
    "refused": Text("기각", "Refused"),
    "withdrawn": Text("취하", "Withdrawn"),
}
EVENT_NAMES = {
    "opened": Text("접수", "Opened"),
    "noted": Text("메모", "Note"),
    "decided": Text("결정", "Decided"),
    "withdrawn": Text("취하", "Withdrawn"),
    "reopened": Text("재검토 시작", "Reopened"),
}
LEFT = Text("{days}일 남음", "{days} days left")
LAST_DAY = Text("오늘까지", "due today")
ONE_LEFT = Text("1일 남음", "1 day left")
ONE_LATE = Text("1일 지남", "1 day overdue")
LATE = Text("{days}일 지남", "{days} days overdue")

SHORT = {0: LAST_DAY, 1: ONE_LEFT, -1: ONE_LATE}


def clock(days_left: int) -> Text:
    """How long until a reply is due."""
    if days_left in SHORT:
        return SHORT[days_left]
    return LEFT.fill(days=days_left) if days_left > 0 else LATE.fill(days=-days_left)
