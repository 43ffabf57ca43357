"""Sentences about published files: what makes one unusable, why a row was not used, what is odd."""

from app.registry.imports.reasons import Reason
from app.texts import Text

BAD_JSON = Text(
    "JSON으로 읽을 수 없습니다: {name} ({error}). 잘리지 않았는지 확인하고 원본에서 다시 받아 주세요.",
    "This cannot be read as JSON: {name} ({error}). Check that it is complete, or fetch it again from its source.",
)
NO_LIST = Text(
    "JSON에 자료 목록(data.list)이 없거나 비어 있습니다: {name}. 응답 메시지: {said}. "
    "API 응답을 그대로 저장했는지 확인하세요.",
    "The JSON has no list of data (data.list), or an empty one: {name}. Its message: {said}. "
    "Check that the API's answer was saved as it came.",
)
BAD_ITEM = Text(
    "JSON의 {number}번째 항목이 열과 값의 모음이 아닙니다: {name}. API 응답을 그대로 저장했는지 확인하세요.",
    "Item {number} of the JSON is not a set of columns and values: {name}. Check that the answer was saved as it came.",
)
WEEKDAYS = Text(
    "요일별 목록입니다: {name}. 한 달의 같은 요일을 합친 값과 평균이라 날짜가 없고, "
    "일자별 목록과 겹치므로 가져오지 않습니다. 일자별 목록(disDate 열이 있는 파일)을 가져오세요.",
    "This is a list by weekday: {name}. It holds sums and averages of a month's equal weekdays, which have no "
    "date and are contained in the list by date, so it is not imported. Import the list by date (the file with a "
    "column disDate).",
)
OTHER_SOURCE = Text(
    "파일은 ‘{form}’ 형식입니다: {name}. --source {source}(으)로 지정해 주세요.",
    "The file is of the form “{form}”: {name}. Give it with --source {source}.",
)
NO_FORM = Text(
    "알 수 없는 형식입니다: {name}. 있는 열: {columns}.\n{known}",
    "The form of the file is not known: {name}. Its columns: {columns}.\n{known}",
)
FORMS_KNOWN = Text("가져올 수 있는 형식과 열:\n{forms}", "Forms that can be imported, and their columns:\n{forms}")
FORM_FAULT = Text("  {form}: {columns}", "  {form}: {columns}")
LEVEL_NAMES = {
    "nation": Text("전국", "the nation"),
    "city": Text("시군구", "cities"),
    "dong": Text("동", "dongs"),
    "site": Text("배출 지점", "sites"),
}
PERIOD_NAMES = {"day": Text("일", "day"), "month": Text("월", "month")}
TOO_FINE = Text(
    "‘{level}’ 자료는 {period} 단위로만 공표되어 더 짧게 나눌 수 없습니다. {period} 단위나 더 긴 단위로 보세요.",
    "The figures of {level} are published by {period} and cannot be shown by less. Show them by {period} or more.",
)
NO_DONG = Text(
    "‘{level}’ 자료에는 동이 없어 동별로 볼 수 없습니다. 동이나 배출 지점 자료를 고르세요.",
    "The figures of {level} have no dong. Choose those of dongs or sites.",
)

# The order here is the order in reports.
REASONS = {
    "bad_day": Reason(
        Text("날짜를 읽을 수 없습니다", "the date cannot be read"),
        Text("{columns} {value}: 2018-01-31처럼 적어 주세요.", "{columns} {value}: write it as 2018-01-31."),
    ),
    "bad_month": Reason(
        Text("연월을 읽을 수 없습니다", "the month cannot be read"),
        Text("{columns} {value}: 2018-01처럼 적어 주세요.", "{columns} {value}: write it as 2018-01."),
    ),
    "out_of_time": Reason(
        Text("있을 수 없는 날짜입니다", "the date cannot be"),
        Text(
            "{value}: {earliest}부터 {today}까지의 날짜만 받습니다. 연도를 확인하세요.",
            "{value}: only dates from {earliest} to {today} are taken. Check the year.",
        ),
    ),
    "place_missing": Reason(
        Text("장소가 비어 있습니다", "the place is blank"),
        Text("{columns} 열을 채워 주세요.", "fill in {columns}."),
    ),
    "bad_code": Reason(
        Text("장소 코드를 쓸 수 없습니다", "the place has no usable code"),
        Text(
            "{columns}: 코드는 영문자와 숫자 1~20자입니다. 열 서식을 ‘텍스트’로 하여 다시 저장해 주세요.",
            "{columns}: a code has 1 to 20 letters and digits. Save the file again with the column formatted as text.",
        ),
    ),
    "place_too_long": Reason(
        Text("장소 이름이 너무 깁니다", "the name of the place is too long"),
        Text(
            "{columns}: {most}자까지입니다. 열이 밀리지 않았는지 확인하세요.",
            "{columns}: at most {most} characters. Check whether the columns have slipped.",
        ),
    ),
    "not_whole": Reason(
        Text("0 이상의 정수가 아닙니다", "not a whole number of 0 or more"),
        Text("{column} {value}: 원본의 값을 확인하세요.", "{column} {value}: check the value in the original."),
    ),
    "conflict": Reason(
        Text("같은 장소와 기간의 값이 서로 다릅니다", "lines of one place and period differ"),
        Text(
            "줄 {others}과(와) 다릅니다. 어느 값이 맞는지 알 수 없어 모두 빼 두었으니 하나만 남겨 주세요.",
            "differs from {others}. Which one is right cannot be told, so none is used: keep one of them.",
        ),
    ),
    "twice": Reason(
        Text("같은 값의 행이 또 있습니다(한 번만 씁니다)", "a line stands twice (used once)"),
        Text("{first}번째 줄과 같습니다.", "the same as line {first}."),
    ),
    "weekday_differs": Reason(
        Text(
            "요일(disDay)이 날짜와 맞지 않습니다(날짜를 따릅니다)",
            "the weekday (disDay) is not the date's (used)",
        ),
        Text("disDay {given}, 날짜의 요일은 {weekday}.", "disDay {given}, the date's is {weekday}."),
    ),
    "unlocated": Reason(
        Text("위치를 모르는 기기(따로 둡니다)", "devices without a location (kept as a place of their own)"),
        Text("행 {count}개", "{count} rows"),
    ),
}
