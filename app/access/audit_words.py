"""What each action of the audit log says to staff, and what fields, values and kinds of subject are called.

{actor} and {subject} are filled; what changed is told after the sentence, field by field. A word that is missing here
is shown as it is stored. Keep each table in the order of its keys' nouns, and an action with those of its noun.
"""

from app.texts import Text

ACTIONS: dict[str, Text] = {
    "card.blocked": Text("{actor} 님이 카드 {subject} 사용을 정지했습니다.", "{actor} blocked card {subject}."),
    "card.enrolled": Text("{actor} 님이 카드 {subject} 등록을 마쳤습니다.", "{actor} enrolled card {subject}."),
    "card.limited": Text(
        "{actor} 님이 카드 {subject} 사용을 단지 한 곳으로 한정했습니다.",
        "{actor} limited card {subject} to one complex.",
    ),
    "card.unblocked": Text(
        "{actor} 님이 카드 {subject} 사용 정지를 풀었습니다.", "{actor} let card {subject} open again."
    ),
    "discharge.re_attributed": Text(
        "{actor} 님이 배출 {subject}의 세대를 정정했습니다.", "{actor} corrected the household of discharge {subject}."
    ),
    "discharge.re_weighed": Text(
        "{actor} 님이 배출 {subject}의 무게를 정정했습니다.", "{actor} corrected the weight of discharge {subject}."
    ),
    "discharge.voided": Text(
        "{actor} 님이 배출 {subject} 기록을 무효로 했습니다.", "{actor} voided discharge {subject}."
    ),
    "display_rate.set": Text(
        "{actor} 님이 {subject}부터의 화면 예상 단가를 정했습니다.",
        "{actor} set what the displays estimate fees from, from {subject} on.",
    ),
    "gateway.added": Text("{actor} 님이 게이트웨이 {subject} 등록을 마쳤습니다.", "{actor} added gateway {subject}."),
    "gateway.claim_code_made": Text(
        "{actor} 님이 게이트웨이 {subject}의 등록 코드를 만들었습니다.",
        "{actor} made a claim code for gateway {subject}.",
    ),
    "gateway.command_given": Text(
        "{actor} 님이 게이트웨이 {subject}에 명령을 내렸습니다.", "{actor} gave gateway {subject} a command."
    ),
    "gateway.keys_revoked": Text(
        "{actor} 님이 게이트웨이 {subject}의 키를 폐기했습니다.", "{actor} revoked keys of gateway {subject}."
    ),
    "household.suspense_attributed": Text(
        "{actor} 님이 미확인 배출을 {subject} 세대의 것으로 기록했습니다.",
        "{actor} gave discharges that were nobody's to household {subject}.",
    ),
    "import.taken_in": Text("{actor} 님이 파일 {subject} 자료를 가져왔습니다.", "{actor} imported the file {subject}."),
    "import.undone": Text(
        "{actor} 님이 파일 {subject} 가져오기를 되돌렸습니다.", "{actor} took the import of {subject} back."
    ),
    "quarantine.discarded": Text(
        "{actor} 님이 보류 기록 {subject}번을 원장에 넣지 않기로 했습니다.",
        "{actor} decided that record {subject} stays in quarantine.",
    ),
    "quarantine.released": Text(
        "{actor} 님이 보류 기록 {subject}번을 원장에 기록했습니다.",
        "{actor} released record {subject} from quarantine into the ledger.",
    ),
    "release.added": Text(
        "{actor} 님이 게이트웨이 배포판 {subject} 등록을 마쳤습니다.", "{actor} added release {subject} for gateways."
    ),
    "rollups.rebuilt": Text(
        "{actor} 님이 {subject} 집계를 원장에서 다시 만들었습니다.",
        "{actor} wrote the rollups of {subject} anew from the ledger.",
    ),
}

KINDS: dict[str, Text] = {
    "account": Text("계정", "account"),
    "card": Text("카드", "card"),
    "discharge": Text("배출", "discharge"),
    "display_rate": Text("화면 예상 단가", "display rate"),
    "fault": Text("고장", "fault"),
    "gateway": Text("게이트웨이", "gateway"),
    "household": Text("세대", "household"),
    "import": Text("가져오기", "import"),
    "meter": Text("종량기", "meter"),
    "quarantine": Text("보류 기록", "quarantined record"),
    "release": Text("배포판", "release"),
    "rollups": Text("집계", "rollups"),
    "vendor": Text("업체", "vendor"),
}

FIELDS: dict[str, Text] = {
    "billable": Text("부과 대상", "billable"),
    "blocked": Text("정지", "blocked"),
    "claim_code_until": Text("등록 코드 기한", "claim code until"),
    "command": Text("명령", "command"),
    "complex": Text("단지", "complex"),
    "created": Text("새 자료", "created"),
    "discharges": Text("배출 기록", "discharges"),
    "file": Text("파일", "file"),
    "household": Text("세대", "household"),
    "household_id": Text("세대 번호", "household number"),
    "keys": Text("키", "keys"),
    "kind": Text("종류", "kind"),
    "meter": Text("종량기", "meter"),
    "meters": Text("종량기", "meters"),
    "net_g": Text("무게(g)", "weight (g)"),
    "number": Text("번호", "number"),
    "outcome": Text("결과", "outcome"),
    "role": Text("역할", "role"),
    "sha256": Text("파일 지문(SHA-256)", "file's SHA-256"),
    "size": Text("크기(바이트)", "size (bytes)"),
    "tenancy_id": Text("입주 기간 번호", "tenancy number"),
    "updated": Text("고친 자료", "updated"),
    "undone": Text("되돌림", "taken back"),
    "version": Text("판", "version"),
    "voided": Text("무효", "voided"),
    "won_per_kg": Text("kg당 단가(원)", "won a kilogram"),
}

VALUES: dict[str, dict[str, Text]] = {
    "command": {
        "open_lid": Text("뚜껑 열기", "open the lid"),
        "roll_back": Text("이전 소프트웨어로 되돌리기", "return to the software before"),
        "rotate_key": Text("키 바꾸기", "change the key"),
        "sync_cards": Text("카드 목록 새로 받기", "fetch the cards anew"),
        "update": Text("소프트웨어 갱신", "update the software"),
    },
    "role": {
        "administrator": Text("관리자", "administrator"),
        "auditor": Text("감사자", "auditor"),
        "collector": Text("수거", "collector"),
        "contractor": Text("유지보수 업체", "contractor"),
        "household": Text("세대", "household"),
        "manager": Text("관리사무소", "apartment manager"),
        "operator": Text("운영자", "operator"),
        "service": Text("점검", "service"),
        "vendor": Text("업체", "vendor"),
        "viewer": Text("조회자", "viewer"),
    },
}  # what certain fields may hold, by field
