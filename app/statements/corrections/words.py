"""What lines, the causes of late usage and the decisions about it are called."""

from app.texts import Text

LINES = {
    "usage": Text("배출", "usage"),
    "estimated": Text("추정", "estimate"),
    "suspense_share": Text("미확인 배출 분담", "share of suspense"),
    "complex_share": Text("단지 요금 분담", "share of the complex's fee"),
    "adjustment": Text("정산", "adjustment"),
    "manual": Text("직접 정산", "manual adjustment"),
}
CAUSES = {
    "old": Text("정산 기한이 지난 배출", "Older than the late limit"),
    "voided": Text("다시 발행하지 않은 무효 고지", "Statement void, not issued anew"),
    "held": Text("보류한 미확인 배출", "Held weight without a household"),
    "doubtful": Text("확인이 필요한 배출", "Doubtful discharges"),
    "no_tariff": Text("단가가 없는 날의 배출", "Days without a tariff"),
    "not_closed": Text("확정하지 않고 지나간 달", "Months that were left out"),
}
REMEDIES = {
    "old": Text(
        "세대마다 다음 고지에 넣을지 결손할지 결정하십시오.", "Decide for each household: bill it, or write it off."
    ),
    "voided": Text(
        "세대마다 다음 고지에 넣을지 결손할지 결정하십시오.", "Decide for each household: bill it, or write it off."
    ),
    "held": Text(
        "카드를 등록하고 배출을 세대에 연결하면 다음 고지에서 정산됩니다.",
        "Register the card and give its discharges to the household: the next statement bills them.",
    ),
    "doubtful": Text(
        "배출 기록을 무효로 하거나 무게를 정정하면 다음 고지에서 정산됩니다.",
        "Void the discharge or correct its weight: the next statement follows.",
    ),
    "no_tariff": Text(
        "그 달 첫날 또는 그 전에 시작하는 단가를 등록한 뒤 그 달을 마감하십시오.",
        "Enter a tariff that begins on the month's first day or earlier, then close the month.",
    ),
    "not_closed": Text(
        "그 뒤의 달은 확정했지만 이 달은 확정하지 않았습니다. 미리보기를 만들어 확정하십시오.",
        "A later month is closed, this one is not. Make its preview and close it.",
    ),
}
DECISIONS = {
    "bill": Text("다음 고지에 부과", "Bill it with the next run"),
    "write_off": Text("결손 처리", "Write it off"),
}
