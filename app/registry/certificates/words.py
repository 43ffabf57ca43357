"""How a scale is certified, in words of the terminal."""

from app.texts import Text

STATES = {
    "missing": Text("없음", "none"),
    "failed": Text("불합격", "failed"),
    "overdue": Text("기한 지남", "overdue"),
    "due": Text("60일 안에 만료", "due within 60 days"),
    "valid": Text("유효", "valid"),
}
