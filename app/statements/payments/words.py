"""What is wrong with payments, in both languages: what happened, which record, and what to do."""

from app.texts import Text

NO_AMOUNT_COLUMNS = Text(
    "납부 파일에 필요한 열이 없습니다: {missing}. 첫 줄에 금액과 납부일, 그리고 고지번호 또는 동·호·월을 두십시오.",
    "The file of payments lacks columns: {missing}. Name won and paid_on on its first line, and statement, or "
    "building, unit and month.",
)
POOR_WON = Text(
    "금액을 읽을 수 없습니다: {value}. 1부터 {most}까지의 원 단위 숫자로 적으십시오.",
    "The amount cannot be read: {value}. Write whole won from 1 to {most}.",
)
POOR_DAY = Text(
    "납부일을 읽을 수 없습니다: {value}. 2026-11-25처럼 적으십시오.",
    "The day cannot be read: {value}. Write it as 2026-11-25.",
)
FUTURE = Text(
    "납부일이 아직 오지 않은 날입니다: {value}. 날짜를 확인하십시오.",
    "It was paid on a day that is still to come: {value}. Check the day.",
)
TOO_EARLY = Text(
    "납부일({value})이 고지 월({month})보다 앞섭니다. 날짜와 월을 확인하십시오.",
    "It was paid ({value}) before the month of the statement ({month}) began. Check day and month.",
)
POOR_MONTH = Text(
    "고지 월을 읽을 수 없습니다: {value}. 2026-10처럼 적으십시오.",
    "The month cannot be read: {value}. Write it as 2026-10.",
)
TOO_LONG = Text(
    "{field} 칸이 너무 깁니다. {most}자 안으로 적으십시오.", "{field} is too long: write at most {most} characters."
)
NOBODY = Text(
    "누가 낸 것인지 없습니다. 고지번호, 또는 단지·동·호·월을 적으십시오.",
    "It says nobody who paid. Write the statement's number, or complex, building, unit and month.",
)
HALF_A_HOME = Text(
    "동과 호 가운데 하나만 있습니다. 둘 다 적거나, 단지 납부이면 둘 다 비우십시오.",
    "Only one of building and unit is there. Write both, or neither where the complex paid.",
)
NO_STATEMENT = Text(
    "그런 고지가 없습니다: {value}. 고지서의 번호를 확인하십시오.",
    "There is no such statement: {value}. Check the number on the paper.",
)
NO_COMPLEX = Text(
    "그런 단지가 없습니다: {value}. 단지 코드를 확인하십시오.", "There is no such complex: {value}. Check its code."
)
NO_HOUSEHOLD = Text(
    "단지 {complex}에 {building}동 {unit}호가 없습니다. 동과 호를 확인하십시오.",
    "Complex {complex} has no household {building}-{unit}. Check building and unit.",
)
NOT_OF_MONTH = Text(
    "{name}의 {month} 고지가 없습니다. 월을 확인하거나, 확정된 뒤에 넣으십시오.",
    "{name} has no final statement of {month}. Check the month, or enter it once the month is closed.",
)
NOT_FINAL = Text(
    "{value} 고지는 아직 미리보기입니다. 확정된 뒤에 넣으십시오.",
    "Statement {value} is still a preview. Enter the payment once it is final.",
)
VOID = Text(
    "{value} 고지는 무효입니다. 다시 발행된 고지의 번호로 넣으십시오.",
    "Statement {value} is void. Enter the payment for the one that was issued anew.",
)
PREPAID = Text(
    "{value}은(는) 선불이라 낼 것이 없습니다. 번호와 월을 확인하십시오.",
    "{value} was prepaid at the bin: nothing is owed by it. Check number and month.",
)
SEVERAL = Text(
    "{name}에는 {month}에 고지가 둘 이상 있습니다(이사). 고지번호를 적으십시오.",
    "{name} has several statements of {month}, for somebody moved. Write the statement's number.",
)
STAFF_ONLY = Text(
    "단지가 구청에 낸 돈은 구청 직원만 넣을 수 있습니다. 동과 호를 적으십시오.",
    "What a complex pays to the district is entered by the district's staff. Write building and unit.",
)
TAKEN_BACK = Text(
    "영수 번호 {reference}의 납부는 등록했다가 취소했습니다. 실제로 받았다면 다른 영수 번호로 등록하십시오.",
    "The payment of receipt {reference} was booked and taken back. If it came after all, give it another reference.",
)
OTHERWISE_KNOWN = Text(
    "영수 번호 {reference}은(는) 이미 다른 내용({won}원, {day})으로 들어와 있습니다. 번호를 확인하십시오.",
    "Receipt {reference} is booked already as something else ({won} won, {day}). Check the number.",
)
TWICE = Text(
    "영수 번호 {reference}이(가) 이 파일의 {line}번째 줄에도 있습니다. 하나만 남기십시오.",
    "Receipt {reference} stands on line {line} of this file, too. Keep one of them.",
)
IN_LINE = Text("{line}번째 줄: {text}", "Line {line}: {text}")
SKIP = Text(
    "쓸 수 없는 줄이 {bad}개 있어 아무것도 넣지 않았습니다. 고치거나, 나머지만 넣겠다고 확인하십시오.",
    "{bad} lines cannot be used, so nothing was booked. Correct them, or confirm that only the others are taken.",
)
COLUMNS = {
    "statement": Text("고지번호", "statement"),
    "complex": Text("단지", "complex"),
    "building": Text("동", "building"),
    "unit": Text("호", "unit"),
    "month": Text("월", "month"),
    "won": Text("금액", "won"),
    "paid_on": Text("납부일", "paid_on"),
    "reference": Text("영수 번호", "reference"),
    "note": Text("비고", "note"),
}
SOURCES = {"hand": Text("직접 입력", "By hand"), "file": Text("파일", "File")}
