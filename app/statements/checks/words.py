"""What warnings and states are called at the terminal, in both languages."""

from app.texts import Text

KINDS = {
    "no_tariff": Text("수수료 단가 없음", "no tariff"),
    "no_households": Text("세대 없음", "no households"),
    "no_payers": Text("사는 사람 없음", "nobody lives there"),
    "since_preview": Text("미리보기 뒤 배출", "changed since the preview"),
    "doubtful": Text("계산하지 않은 배출", "discharges that do not count"),
    "undecided": Text("확인할 계량", "weights to decide about"),
    "quarantined": Text("보류 기록", "quarantined records"),
    "suspense": Text("미확인 배출 많음", "much weight of nobody"),
    "jumps": Text("급증 세대", "households far above their past"),
    "gone": Text("배출 없어진 세대", "households that stopped"),
    "silent": Text("종량기 연결 부족", "meters hardly heard"),
    "faulty": Text("저울 고장", "faulty scales"),
    "uncertified": Text("검정 없는 저울", "scales without a certificate"),
}
STATES = {
    "open": Text("시작 전", "open"),
    "preview": Text("미리보기", "preview"),
    "review": Text("검토 중", "in review"),
    "reviewed": Text("검토 끝", "reviewed"),
    "final": Text("확정", "final"),
}
BLOCKS = {
    "no-tariff": Text("단가를 등록하십시오", "enter a tariff"),
    "no-preview": Text("미리보기를 만드십시오", "preview it"),
    "month-not-over": Text("달이 끝난 뒤 미리보기를 만드십시오", "preview it once the month is over"),
    "preview-outdated": Text("미리보기를 다시 만드십시오", "preview it again"),
    "review-open": Text("검토가 끝나기를 기다리십시오", "wait until the review is over"),
}
