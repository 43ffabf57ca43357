"""What each action of the audit log says to staff, and what fields, values and kinds of subject are called.

{actor} and {subject} are filled; what changed is told after the sentence, field by field. A word that is missing here
is shown as it is stored. Keep each table in the order of its keys' nouns, and an action with those of its noun.
"""

from app.texts import Text

ACTIONS: dict[str, Text] = {
    "fee_file.checked": Text(
        "{actor} 님이 {subject} 관리비 파일을 고지서와 대조했습니다.", "{actor} held a fee file against {subject}."
    ),
    "fee_layout.changed": Text(
        "{actor} 님이 {subject} 관리비 파일 양식을 바꾸었습니다.", "{actor} changed the fee file of {subject}."
    ),
    "account.added": Text("{actor} 님이 계정 {subject}을(를) 만들었습니다.", "{actor} added account {subject}."),
    "account.changed": Text("{actor} 님이 계정 {subject} 정보를 고쳤습니다.", "{actor} changed account {subject}."),
    "account.disabled": Text("{actor} 님이 계정 {subject} 사용을 정지했습니다.", "{actor} disabled account {subject}."),
    "account.enabled": Text(
        "{actor} 님이 계정 {subject} 사용 정지를 풀었습니다.", "{actor} enabled account {subject} again."
    ),
    "account.invited": Text("{actor} 님이 {subject} 님을 초대했습니다.", "{actor} invited {subject}."),
    "account.locked": Text(
        "계정 {subject}이(가) 여러 번의 로그인 실패로 잠겼습니다.",
        "Account {subject} was locked after failed attempts to log in.",
    ),
    "account.logged_in": Text("{subject} 님이 로그인했습니다.", "{subject} logged in."),
    "account.logged_out": Text("{subject} 님이 로그아웃했습니다.", "{subject} logged out."),
    "account.password_changed": Text(
        "{actor} 님이 계정 {subject} 비밀번호를 바꾸었습니다.", "{actor} changed the password of {subject}."
    ),
    "account.password_set": Text(
        "{subject} 님이 일회용 링크로 비밀번호를 정했습니다.", "{subject} set a password by a one-time link."
    ),
    "account.recovered": Text(
        "{actor} 님이 계정 {subject}의 비밀번호와 2차 인증을 지우고 복구 링크를 만들었습니다.",
        "{actor} voided password and second factor of {subject} and made a link to recover the account.",
    ),
    "account.second_factor_set": Text(
        "{actor} 님이 계정 {subject}의 2차 인증을 설정했습니다.", "{actor} set up the second factor of {subject}."
    ),
    "account.sessions_ended": Text(
        "{actor} 님이 계정 {subject}의 열린 로그인을 끝냈습니다.", "{actor} ended sessions of {subject}."
    ),
    "adjustment.added": Text(
        "{actor} 님이 {subject} 세대의 정산을 직접 등록했습니다.", "{actor} added an adjustment for {subject}."
    ),
    "billing_policy.changed": Text(
        "{actor} 님이 고지 기한과 검토 기간을 바꾸었습니다.", "{actor} changed the limits and windows of billing."
    ),
    "card.blocked": Text("{actor} 님이 카드 {subject} 사용을 정지했습니다.", "{actor} blocked card {subject}."),
    "card.enrolled": Text("{actor} 님이 카드 {subject} 등록을 마쳤습니다.", "{actor} enrolled card {subject}."),
    "card.given_back": Text("{actor} 님이 카드 {subject} 반납을 등록했습니다.", "{actor} took card {subject} back."),
    "card.lost": Text("{actor} 님이 카드 {subject} 분실을 등록했습니다.", "{actor} registered card {subject} as lost."),
    "card.reissued": Text(
        "{actor} 님이 카드 {subject} 대신 새 카드를 발급했습니다.", "{actor} issued another card in place of {subject}."
    ),
    "card.unblocked": Text(
        "{actor} 님이 카드 {subject} 사용 정지를 풀었습니다.", "{actor} let card {subject} open again."
    ),
    "channel.added": Text("{actor} 님이 연락처 {subject} 등록을 마쳤습니다.", "{actor} added the channel {subject}."),
    "channel.changed": Text(
        "{actor} 님이 연락처 {subject} 설정을 바꾸었습니다.", "{actor} changed the channel {subject}."
    ),
    "channel.preferred": Text(
        "{actor} 님이 연락처 {subject}(으)로 먼저 알리도록 했습니다.", "{actor} put the channel {subject} first."
    ),
    "channel.removed": Text(
        "{actor} 님이 연락처 {subject} 등록을 지웠습니다.", "{actor} removed the channel {subject}."
    ),
    "channel.tested": Text(
        "{actor} 님이 연락처 {subject}(으)로 시험 메시지를 보냈습니다.", "{actor} sent a test message to {subject}."
    ),
    "certificate.recorded": Text(
        "{actor} 님이 종량기 {subject}의 검정을 등록했습니다.",
        "{actor} recorded a certificate of meter {subject}.",
    ),
    "certificate.withdrawn": Text(
        "{actor} 님이 종량기 {subject}의 검정 기록을 철회했습니다.",
        "{actor} withdrew a certificate of meter {subject}.",
    ),
    "database.restored": Text(
        "{actor} 님이 {subject} 기준 백업에서 데이터베이스를 복원했습니다.",
        "{actor} restored the database from the backup of {subject}.",
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
    "dispute.decided": Text("{actor} 님이 이의신청 {subject} 건을 결정했습니다.", "{actor} decided dispute {subject}."),
    "dispute.noted": Text(
        "{actor} 님이 이의신청 {subject}에 메모를 남겼습니다.", "{actor} added a note to dispute {subject}."
    ),
    "dispute.opened": Text("{actor} 님이 이의신청 {subject} 건을 접수했습니다.", "{actor} opened dispute {subject}."),
    "dispute.reopened": Text(
        "{actor} 님이 이의신청 {subject} 건을 다시 열었습니다.", "{actor} reopened dispute {subject}."
    ),
    "dispute.withdrawn": Text(
        "{actor} 님이 이의신청 {subject} 건의 취하를 등록했습니다.", "{actor} withdrew dispute {subject}."
    ),
    "estimate.made": Text("{actor} 님이 추정 배출 {subject} 건을 등록했습니다.", "{actor} entered estimate {subject}."),
    "estimate.settled": Text(
        "{actor} 님이 추정 배출 {subject} 건을 끝냈습니다.", "{actor} settled estimate {subject}."
    ),
    "fault.assigned": Text(
        "{actor} 님이 고장 {subject} 담당자를 정했습니다.", "{actor} gave fault {subject} to somebody."
    ),
    "fault.closed": Text("{actor} 님이 고장 {subject} 건을 종료했습니다.", "{actor} closed fault {subject}."),
    "fault.due_changed": Text(
        "{actor} 님이 고장 {subject} 처리 기한을 바꾸었습니다.", "{actor} changed the due time of fault {subject}."
    ),
    "fault.duty_removed": Text(
        "{actor} 님이 고장 담당({subject}) 지정을 없앴습니다.", "{actor} removed the duty for faults {subject}."
    ),
    "fault.duty_set": Text(
        "{actor} 님이 고장 담당({subject})을 정했습니다.", "{actor} set who answers for faults {subject}."
    ),
    "fault.noted": Text("{actor} 님이 고장 {subject}에 메모를 남겼습니다.", "{actor} added a note to fault {subject}."),
    "fault.reclassified": Text(
        "{actor} 님이 고장 {subject} 분류를 바꾸었습니다.", "{actor} changed the class of fault {subject}."
    ),
    "fault.reported": Text("{actor} 님이 고장 {subject} 건을 신고했습니다.", "{actor} reported fault {subject}."),
    "fault.rule_set": Text(
        "{actor} 님이 고장 기준 {subject} 값을 바꾸었습니다.", "{actor} changed the fault setting {subject}."
    ),
    "fault.taken": Text("{actor} 님이 고장 {subject} 처리를 맡았습니다.", "{actor} took fault {subject} over."),
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
    "household.abandoned": Text(
        "{actor} 님이 {subject} 세대를 무단 퇴거로 등록했습니다.", "{actor} marked household {subject} as abandoned."
    ),
    "household.added": Text("{actor} 님이 {subject} 세대를 등록했습니다.", "{actor} added household {subject}."),
    "household.came_back": Text(
        "{actor} 님이 {subject} 세대의 무단 퇴거를 취소했습니다.", "{actor} let household {subject} come back."
    ),
    "household.moved_in": Text(
        "{actor} 님이 {subject} 전입을 등록했습니다.", "{actor} moved a household into {subject}."
    ),
    "household.moved_out": Text(
        "{actor} 님이 {subject} 전출을 등록했습니다.", "{actor} moved the household out of {subject}."
    ),
    "household.payer_class_set": Text(
        "{actor} 님이 {subject} 세대의 납부 구분을 바꾸었습니다.", "{actor} changed the payer class of {subject}."
    ),
    "household.renamed": Text(
        "{actor} 님이 {subject} 세대의 동·호를 고쳤습니다.", "{actor} renamed household {subject}."
    ),
    "household.resident_erased": Text(
        "{actor} 님이 {subject} 입주자 정보를 삭제했습니다.", "{actor} erased the details of who lives in {subject}."
    ),
    "household.resident_set": Text(
        "{actor} 님이 {subject} 입주자 정보를 고쳤습니다.", "{actor} changed the details of who lives in {subject}."
    ),
    "household.revealed": Text(
        "{actor} 님이 {subject} 세대의 개인 정보를 보았습니다.", "{actor} looked at the personal details of {subject}."
    ),
    "household.suspense_attributed": Text(
        "{actor} 님이 미확인 배출을 {subject} 세대의 것으로 기록했습니다.",
        "{actor} gave discharges that were nobody's to household {subject}.",
    ),
    "import.checked": Text("{actor} 님이 파일 {subject} 자료를 검사했습니다.", "{actor} checked the file {subject}."),
    "import.taken_in": Text("{actor} 님이 파일 {subject} 자료를 가져왔습니다.", "{actor} imported the file {subject}."),
    "import.undone": Text(
        "{actor} 님이 파일 {subject} 가져오기를 되돌렸습니다.", "{actor} took the import of {subject} back."
    ),
    "late_usage.decided": Text(
        "{actor} 님이 {subject} 세대의 미고지 배출을 결정했습니다.",
        "{actor} decided what becomes of {subject}'s late usage.",
    ),
    "message.cancelled": Text(
        "{actor} 님이 메시지 {subject} 발송을 취소했습니다.", "{actor} cancelled the message {subject}."
    ),
    "message.pruned": Text(
        "{actor} 님이 오래된 메시지 {subject}건의 내용을 지웠습니다.",
        "{actor} removed the texts of {subject} old messages.",
    ),
    "message.sent_again": Text(
        "{actor} 님이 메시지 {subject} 재발송을 지시했습니다.", "{actor} had the message {subject} sent again."
    ),
    "installation.applied": Text(
        "{actor} 님이 설치 신청 {subject}을(를) 접수했습니다.",
        "{actor} entered the application {subject}.",
    ),
    "installation.closed": Text(
        "{actor} 님이 설치 신청 {subject}을(를) 종료했습니다.",
        "{actor} closed the application {subject}.",
    ),
    "installation.counted": Text(
        "{actor} 님이 이전 설치 대수({subject})를 등록했습니다.",
        "{actor} entered what was installed before: {subject}.",
    ),
    "installation.installed": Text(
        "{actor} 님이 설치 신청 {subject}의 설치를 기록했습니다.",
        "{actor} entered the installation of {subject}.",
    ),
    "installation.rejected": Text(
        "{actor} 님이 설치 신청 {subject}을(를) 선정에서 제외했습니다.",
        "{actor} rejected the application {subject}.",
    ),
    "installation.selected": Text(
        "{actor} 님이 설치 신청 {subject}을(를) 선정했습니다.",
        "{actor} selected the application {subject}.",
    ),
    "installation.surveyed": Text(
        "{actor} 님이 설치 신청 {subject}의 만족도 조사를 기록했습니다.",
        "{actor} entered the survey of {subject}.",
    ),
    "installation.target_set": Text(
        "{actor} 님이 설치 목표({subject})를 정했습니다.",
        "{actor} set the target of {subject}.",
    ),
    "installation.trained": Text(
        "{actor} 님이 설치 신청 {subject}의 사용 교육을 기록했습니다.",
        "{actor} entered the training of {subject}.",
    ),
    "installation.trial": Text(
        "{actor} 님이 설치 신청 {subject}의 시범 운영을 기록했습니다.",
        "{actor} entered the trial of {subject}.",
    ),
    "installation.withdrawn": Text(
        "{actor} 님이 설치 신청 {subject}의 취소를 기록했습니다.",
        "{actor} entered that {subject} was withdrawn.",
    ),
    "meter.installed": Text(
        "{actor} 님이 종량기 {subject}을(를) 설치했습니다.",
        "{actor} installed meter {subject}.",
    ),
    "meter.moved": Text(
        "{actor} 님이 종량기 {subject}을(를) 옮겼습니다.",
        "{actor} moved meter {subject}.",
    ),
    "meter.moved_away": Text(
        "{actor} 님이 종량기 {subject}을(를) 다른 단지로 옮겼습니다.",
        "{actor} moved meter {subject} to another complex.",
    ),
    "meter.retired": Text(
        "{actor} 님이 종량기 {subject}을(를) 철거했습니다.",
        "{actor} took meter {subject} away.",
    ),
    "payer_class.added": Text(
        "{actor} 님이 납부 구분 {subject}을(를) 만들었습니다.", "{actor} added the payer class {subject}."
    ),
    "payment.booked": Text("{actor} 님이 {subject} 납부를 등록했습니다.", "{actor} booked a payment of {subject}."),
    "payment.checked": Text(
        "{actor} 님이 납부 파일 {subject}을(를) 점검했습니다.", "{actor} checked payment file {subject}."
    ),
    "payment.file_taken": Text(
        "{actor} 님이 납부 파일 {subject}을(를) 등록했습니다.", "{actor} took in payment file {subject}."
    ),
    "payment.reversed": Text("{actor} 님이 납부 {subject}을(를) 되돌렸습니다.", "{actor} took payment {subject} back."),
    "quarantine.discarded": Text(
        "{actor} 님이 보류 기록 {subject}번을 원장에 넣지 않기로 했습니다.",
        "{actor} decided that record {subject} stays in quarantine.",
    ),
    "quarantine.released": Text(
        "{actor} 님이 보류 기록 {subject}번을 원장에 기록했습니다.",
        "{actor} released record {subject} from quarantine into the ledger.",
    ),
    "reducer.installed": Text(
        "{actor} 님이 대형감량기 {subject}을(를) 등록했습니다.",
        "{actor} registered reducer {subject}.",
    ),
    "reducer.retired": Text(
        "{actor} 님이 대형감량기 {subject}을(를) 폐기했습니다.",
        "{actor} retired reducer {subject}.",
    ),
    "release.added": Text(
        "{actor} 님이 게이트웨이 배포판 {subject} 등록을 마쳤습니다.", "{actor} added release {subject} for gateways."
    ),
    "rollups.rebuilt": Text(
        "{actor} 님이 {subject} 집계를 원장에서 다시 만들었습니다.",
        "{actor} wrote the rollups of {subject} anew from the ledger.",
    ),
    "run.finalised": Text("{actor} 님이 {subject} 고지를 확정했습니다.", "{actor} closed run {subject}."),
    "run.previewed": Text("{actor} 님이 {subject} 고지 미리보기를 만들었습니다.", "{actor} previewed run {subject}."),
    "run.reviewed": Text("{actor} 님이 {subject} 고지 미리보기에 동의했습니다.", "{actor} agreed to run {subject}."),
    "statement.reissued": Text(
        "{actor} 님이 {subject} 세대의 고지를 무효로 하고 다시 발행했습니다.",
        "{actor} voided a statement of {subject} and issued it anew.",
    ),
    "statement.voided": Text(
        "{actor} 님이 {subject} 세대의 고지를 무효로 했습니다.", "{actor} voided a statement of {subject}."
    ),
    "tariff.added": Text("{actor} 님이 수수료 단가 {subject}을(를) 등록했습니다.", "{actor} added tariff {subject}."),
    "tariff.replaced": Text(
        "{actor} 님이 수수료 단가 {subject}을(를) 고쳐 등록했습니다.",
        "{actor} put tariff {subject} in the place of the one before.",
    ),
    "tariff.withdrawn": Text(
        "{actor} 님이 수수료 단가 {subject}을(를) 취소했습니다.", "{actor} withdrew tariff {subject}."
    ),
    "terms.set": Text(
        "{actor} 님이 {subject} 부과 방식을 정했습니다.", "{actor} set by which terms {subject} is billed."
    ),
    "token.made": Text("{actor} 님이 API 토큰 {subject}을(를) 만들었습니다.", "{actor} made API token {subject}."),
    "token.revoked": Text(
        "{actor} 님이 API 토큰 {subject}을(를) 폐기했습니다.", "{actor} revoked API token {subject}."
    ),
    "vendor.added": Text(
        "{actor} 님이 업체 {subject}을(를) 등록했습니다.",
        "{actor} added vendor {subject}.",
    ),
    "vendor.changed": Text(
        "{actor} 님이 업체 {subject}의 정보를 고쳤습니다.",
        "{actor} changed vendor {subject}.",
    ),
    "vendor.ended": Text(
        "{actor} 님이 업체 {subject}의 지정을 끝냈습니다.",
        "{actor} ended vendor {subject}.",
    ),
    "weight.checked": Text(
        "{actor} 님이 차량 계량 파일 {subject}을(를) 점검했습니다.", "{actor} checked file {subject} of truck weights."
    ),
    "weight.set": Text(
        "{actor} 님이 {subject} 차량 계량값을 적었습니다.", "{actor} entered the truck weight of {subject}."
    ),
}

KINDS: dict[str, Text] = {
    "account": Text("계정", "account"),
    "adjustment": Text("직접 정산", "manual adjustment"),
    "billing_policy": Text("고지 기한", "billing limits"),
    "card": Text("카드", "card"),
    "complex": Text("단지", "complex"),
    "contact_channel": Text("연락처", "channel"),
    "discharge": Text("배출", "discharge"),
    "display_rate": Text("화면 예상 단가", "display rate"),
    "dispute": Text("이의신청", "dispute"),
    "estimate": Text("추정 배출", "estimate"),
    "fault": Text("고장", "fault"),
    "fault_duty": Text("고장 담당", "duty for faults"),
    "fault_rule": Text("고장 기준", "fault setting"),
    "gateway": Text("게이트웨이", "gateway"),
    "household": Text("세대", "household"),
    "import": Text("가져오기", "import"),
    "late_usage": Text("미고지 배출", "late usage"),
    "message": Text("메시지", "message"),
    "meter": Text("종량기", "meter"),
    "payer_class": Text("납부 구분", "payer class"),
    "payment": Text("납부", "payment"),
    "payment_file": Text("납부 파일", "file of payments"),
    "quarantine": Text("보류 기록", "quarantined record"),
    "release": Text("배포판", "release"),
    "rollups": Text("집계", "rollups"),
    "run": Text("월 고지", "run"),
    "statement": Text("고지", "statement"),
    "tariff": Text("수수료 단가", "tariff"),
    "token": Text("API 토큰", "API token"),
    "vendor": Text("업체", "vendor"),
    "installation": Text("설치 신청", "application"),
    "installation_year": Text("설치 대수", "installed units"),
    "reducer": Text("대형감량기", "reducer"),
    "weight_file": Text("차량 계량 파일", "file of truck weights"),
}

FIELDS: dict[str, Text] = {
    "active": Text("사용", "in use"),
    "address": Text("주소", "address"),
    "alive_day": Text("가동 일별 집계", "daily totals of alive time"),
    "alive_hour": Text("가동 시간별 집계", "hourly totals of alive time"),
    "alive_month": Text("가동 월별 집계", "monthly totals of alive time"),
    "all_complexes": Text("모든 단지", "all complexes"),
    "billable": Text("부과 대상", "billable"),
    "blocked": Text("정지", "blocked"),
    "building": Text("동", "building"),
    "business_number": Text("사업자등록번호", "business number"),
    "card": Text("카드", "card"),
    "card_assignment": Text("카드 배정", "card assignments"),
    "cards": Text("카드", "cards"),
    "claim_code_until": Text("등록 코드 기한", "claim code until"),
    "command": Text("명령", "command"),
    "complex": Text("단지", "complex"),
    "complex_day": Text("단지 일별 집계", "daily totals of complexes"),
    "complexes": Text("단지", "complexes"),
    "content_hash": Text("내용 해시", "content hash"),
    "created": Text("새 자료", "created"),
    "count": Text("배출 횟수", "discharges"),
    "credit_note": Text("감액 통지 번호", "credit note"),
    "credit_won": Text("감액(원)", "credit (won)"),
    "decision": Text("결정", "decision"),
    "designated_on": Text("지정일", "designated on"),
    "details": Text("항목", "details"),
    "discharges": Text("배출 기록", "discharges"),
    "dong": Text("법정동", "dongs"),
    "due_at": Text("처리 기한", "due"),
    "due_on": Text("유효기간 만료일", "due on"),
    "email": Text("전자우편", "e-mail"),
    "ended_on": Text("종료일", "ended on"),
    "escalate_to": Text("상위 담당자", "escalate to"),
    "expected_g": Text("추정 기준 무게(g)", "expected weight (g)"),
    "failures": Text("실패 횟수", "failures"),
    "fault_class": Text("분류", "class"),
    "file": Text("파일", "file"),
    "first_day": Text("첫날", "first day"),
    "first_month": Text("적용 시작 달", "first month"),
    "free_g": Text("무료 중량(g)", "free weight (g)"),
    "from": Text("부터", "from"),
    "gateway": Text("게이트웨이", "gateway"),
    "grams": Text("무게(g)", "weight (g)"),
    "held_won": Text("보류 금액(원)", "held (won)"),
    "household": Text("세대", "household"),
    "household_id": Text("세대 번호", "household number"),
    "household_month": Text("세대 월별 집계", "monthly totals of households"),
    "households": Text("세대수", "households"),
    "inspected_on": Text("검정일", "inspected on"),
    "installed_on": Text("설치일", "installed on"),
    "keys": Text("키", "keys"),
    "kind": Text("종류", "kind"),
    "language": Text("언어", "language"),
    "last_day": Text("마지막 날", "last day"),
    "last_error": Text("오류", "error"),
    "late_months": Text("지연 자료 반영 기간(개월)", "late limit (months)"),
    "ledger_at": Text("원장 기준 시각", "ledger read until"),
    "line": Text("고지 줄", "line"),
    "lines": Text("줄 수", "lines"),
    "memo": Text("메모", "memo"),
    "meter": Text("종량기", "meter"),
    "meter_hour": Text("종량기 시간별 집계", "hourly totals of meters"),
    "meters": Text("종량기", "meters"),
    "month": Text("달", "month"),
    "moved_in": Text("전입일", "moved in"),
    "moved_out": Text("전출일", "moved out"),
    "name": Text("이름", "name"),
    "name_en": Text("이름(영문)", "name (English)"),
    "name_ko": Text("이름(국문)", "name (Korean)"),
    "net_g": Text("무게(g)", "weight (g)"),
    "number": Text("번호", "number"),
    "older_than_days": Text("보존 일수", "days kept"),
    "on": Text("날짜", "day"),
    "outcome": Text("결과", "outcome"),
    "owner": Text("담당자", "in charge"),
    "paid_on": Text("납부일", "paid on"),
    "pay_days": Text("납부 기간(일)", "days to pay"),
    "payments": Text("납부 건수", "payments"),
    "phone": Text("전화번호", "phone"),
    "quiet_from": Text("방해 금지 시작", "quiet from"),
    "quiet_to": Text("방해 금지 끝", "quiet to"),
    "receipt": Text("영수번호", "receipt"),
    "reference": Text("근거", "reference"),
    "reissued_as": Text("다시 발행한 고지", "issued anew as"),
    "relief_percent": Text("감면율(%)", "relief (%)"),
    "removed": Text("지운 자료", "removed"),
    "reply_days": Text("이의신청 답변 기한(일)", "days to reply"),
    "representative": Text("대표자", "representative"),
    "result": Text("결과", "result"),
    "retired_on": Text("폐기일", "retired on"),
    "review_days": Text("검토 기간(일)", "days to review"),
    "role": Text("역할", "role"),
    "round_to_won": Text("반올림 단위(원)", "rounded to (won)"),
    "rounded_at": Text("반올림 시점", "rounded at"),
    "rounding": Text("금액 반올림", "rounding"),
    "scheme": Text("부과 방식", "scheme"),
    "scopes": Text("권한", "scopes"),
    "score": Text("점수", "score"),
    "sessions": Text("열린 로그인", "sessions"),
    "sha256": Text("파일 지문(SHA-256)", "file's SHA-256"),
    "sharing": Text("배분 기준", "sharing"),
    "size": Text("크기(바이트)", "size (bytes)"),
    "skipped": Text("건너뛴 행", "skipped"),
    "source": Text("출처", "source"),
    "state": Text("상태", "state"),
    "statement": Text("고지 번호", "statement"),
    "statements": Text("고지서 수", "statements"),
    "suspense": Text("미확인 배출 처리", "suspense"),
    "tenancy": Text("입주 기간", "tenancies"),
    "tenancy_id": Text("입주 기간 번호", "tenancy number"),
    "tiering": Text("구간 적용", "tiering"),
    "to": Text("까지", "until"),
    "undone": Text("되돌림", "taken back"),
    "unit": Text("호", "unit"),
    "unit_g": Text("중량 단위(g)", "weight unit (g)"),
    "unit_rounding": Text("중량 반올림", "rounding of weight"),
    "units": Text("대수", "units"),
    "until": Text("그 이전 포함", "with the years before"),
    "updated": Text("고친 자료", "updated"),
    "urgent_breaks_quiet": Text("긴급 알림은 예외", "urgent ones break it"),
    "valid_until": Text("기한", "valid until"),
    "value": Text("값", "value"),
    "vendor": Text("업체", "vendor"),
    "version": Text("판", "version"),
    "voided": Text("무효", "voided"),
    "usage_month": Text("배출 달", "usage month"),
    "weighed_g": Text("계량값(g)", "weighed (g)"),
    "won": Text("금액(원)", "won"),
    "won_per_kg": Text("kg당 단가(원)", "won a kilogram"),
}

VALUES: dict[str, dict[str, Text]] = {
    "cards": {
        "blocked": Text("정지", "blocked"),
        "kept": Text("세대에 보관", "kept by the unit"),
        "returned": Text("반납", "returned"),
    },
    "command": {
        "open_lid": Text("뚜껑 열기", "open the lid"),
        "roll_back": Text("이전 소프트웨어로 되돌리기", "return to the software before"),
        "rotate_key": Text("키 바꾸기", "change the key"),
        "sync_cards": Text("카드 목록 새로 받기", "fetch the cards anew"),
        "update": Text("소프트웨어 갱신", "update the software"),
    },
    "fault_class": {
        "card": Text("카드", "card"),
        "comm": Text("통신", "communication"),
        "lock": Text("잠금·뚜껑", "lock or lid"),
        "power": Text("전원", "power"),
        "user": Text("사용자", "use"),
        "volume": Text("용량 초과", "bin full"),
        "weighing": Text("계량", "weighing"),
    },
    "kind": {
        "complexes": Text("K-eco 단지 목록", "K-eco complexes"),
        "households": Text("세대와 카드", "households and cards"),
        "manufacturer": Text("제작업체", "manufacturer"),
        "meter": Text("RFID 종량기", "meter"),
        "reducer": Text("대형감량기", "reducer"),
        "sales_point": Text("지정판매소", "sales point"),
        "volumes": Text("공표 배출량", "reported volumes"),
    },
    "result": {"failed": Text("불합격", "failed"), "passed": Text("합격", "passed")},
    "role": {
        "administrator": Text("관리자", "administrator"),
        "auditor": Text("감사자", "auditor"),
        "collector": Text("수거", "collector"),
        "common": Text("공용 구역", "common areas"),
        "contractor": Text("유지보수 업체", "contractor"),
        "household": Text("세대", "household"),
        "manager": Text("관리사무소", "apartment manager"),
        "operator": Text("운영자", "operator"),
        "service": Text("점검", "service"),
        "vendor": Text("업체", "vendor"),
        "viewer": Text("조회자", "viewer"),
    },
    "rounded_at": {"discharge": Text("배출마다", "each discharge"), "statement": Text("고지서에서", "statement")},
    "rounding": {
        "down": Text("버림", "down"),
        "half_up": Text("반올림", "half up"),
        "up": Text("올림", "up"),
    },
    "scheme": {
        "complex": Text("단지 부과 후 배분", "complex, shared"),
        "household": Text("세대별 부과", "each household"),
        "prepaid": Text("선불", "prepaid"),
    },
    "sharing": {"equal": Text("똑같이", "equally"), "weight": Text("중량에 따라", "by weight")},
    "state": {
        "accepted": Text("인정", "accepted"),
        "applied": Text("신청", "applied"),
        "closed": Text("종료", "closed"),
        "installed": Text("설치", "installed"),
        "open": Text("미처리", "open"),
        "partly": Text("일부 인정", "accepted in part"),
        "refused": Text("기각", "refused"),
        "rejected": Text("제외", "rejected"),
        "selected": Text("선정", "selected"),
        "surveyed": Text("만족도 조사", "surveyed"),
        "taken": Text("처리 중", "taken"),
        "trained": Text("사용 교육", "trained"),
        "trial": Text("시범 운영", "trial"),
        "withdrawn": Text("취소", "withdrawn"),
    },
    "suspense": {
        "held": Text("보류", "held"),
        "not_billed": Text("부과하지 않음", "not billed"),
        "shared": Text("세대가 나누어 부담", "shared"),
    },
    "tiering": {"graduated": Text("구간별", "graduated"), "whole_amount": Text("전량", "whole amount")},
}  # what certain fields may hold, by field
