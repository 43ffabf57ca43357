"""Why a row was not used, or what is odd about one that was. The order here is the order in reports."""

from typing import NamedTuple

from app.texts import Text


class Reason(NamedTuple):
    """`title` heads all rows of one reason; `detail` is said of each."""

    title: Text
    detail: Text


REASONS = {
    # Complexes: rows that are not used.
    "placeholder": Reason(
        Text("자리표시 행이며 단지가 아닙니다", "placeholders, not complexes"),
        Text(
            "세대수·주소·등록일이 모두 비어 있어 단지로 보지 않습니다.",
            "no household count, no address and no registration date.",
        ),
    ),
    # Complexes: notes.
    "count_missing": Reason(
        Text("세대수(ctznCnt)가 비어 있습니다", "the household count (ctznCnt) is blank"),
        Text("세대수 없이 등록합니다.", "registered without a count."),
    ),
    "dong_missing": Reason(
        Text("법정동 코드(hbgvCode)가 비어 있습니다", "the legal-dong code (hbgvCode) is blank"),
        Text("법정동 없이 등록합니다.", "registered without a dong."),
    ),
    "coordinates_missing": Reason(
        Text("좌표(xlatlng, ylatlng)가 비어 있습니다", "the coordinates (xlatlng, ylatlng) are blank"),
        Text("지도에 나타나지 않습니다.", "it will not appear on maps."),
    ),
    "coordinates_unusable": Reason(
        Text("좌표가 대한민국 안의 위치가 아닙니다", "the coordinates are no place in Korea"),
        Text(
            "xlatlng {longitude}, ylatlng {latitude}: 좌표 없이 등록합니다. 경도와 위도가 바뀌지 않았는지 확인하세요.",
            "xlatlng {longitude}, ylatlng {latitude}: registered without them. Check whether the two are swapped.",
        ),
    ),
    "address_missing": Reason(
        Text("도로명 주소(roadAddr1)가 비어 있습니다", "the road address (roadAddr1) is blank"),
        Text("주소 없이 등록합니다.", "registered without an address."),
    ),
    "date_missing": Reason(
        Text("등록일시(regDate)가 비어 있습니다", "the registration date (regDate) is blank"),
        Text("등록일시 없이 등록합니다.", "registered without one."),
    ),
    "name_fallback": Reason(
        Text("aptName_y가 비어 있어 aptName_x를 씁니다", "aptName_y is blank: aptName_x is used"),
        Text("{name}", "{name}"),
    ),
    "name_twice": Reason(
        Text("같은 이름의 단지가 또 있습니다", "another complex has the same name"),
        Text("{name}: {other_line}번째 줄 {code} 단지와 같은 이름입니다.", "{name}, as {code} on line {other_line}."),
    ),
    "name_differs": Reason(
        Text("두 이름이 다릅니다(aptName_y를 씁니다)", "the two names differ (aptName_y is used)"),
        Text("{other} → {name}", "{other} → {name}"),
    ),
    "dong_names_differ": Reason(
        Text("주소에 적힌 동 이름이 서로 다릅니다", "addresses of one dong name different dongs"),
        Text("{names}: 동 이름은 바꾸지 않습니다.", "{names}: the dong's name is left as it is."),
    ),
    "district_name_differs": Reason(
        Text("자치구 이름이 등록된 이름과 다릅니다", "the district is registered under another name"),
        Text("파일에는 {name}: 등록된 이름을 그대로 둡니다.", "the file says {name}; the registered name stays."),
    ),
    "not_in_file": Reason(
        Text("등록되어 있으나 파일에 없는 단지(그대로 둡니다)", "registered, but not in the file (left as they are)"),
        Text("{name}", "{name}"),
    ),
    # Households: rows that are not used.
    "value_missing": Reason(
        Text("필요한 값이 비어 있습니다", "a value is missing"),
        Text("{columns} 열을 채워 주세요.", "fill in {columns}."),
    ),
    "value_too_long": Reason(
        Text("값이 너무 깁니다", "a value is too long"),
        Text(
            "{column} 값은 {most}자까지입니다: {value}. 열이 밀리지 않았는지 확인하세요.",
            "{column} has at most {most} characters: {value}. Check whether the columns have slipped.",
        ),
    ),
    "looks_like_card": Reason(
        Text("동·호 자리에 카드 번호가 있습니다", "a card number stands where building or unit should"),
        Text(
            "{column} {value}: 열이 밀리지 않았는지 확인하세요.",
            "{column} {value}: check whether the columns have slipped.",
        ),
    ),
    "unknown_complex": Reason(
        Text("등록되지 않은 단지 코드입니다", "the complex code is not registered"),
        Text(
            "{code}: 코드를 확인하거나 단지를 먼저 가져오세요(jongnyang import complexes).",
            "{code}: check the code, or import the complexes first (jongnyang import complexes).",
        ),
    ),
    "bad_date": Reason(
        Text("날짜를 읽을 수 없습니다", "a date cannot be read"),
        Text("{column} {value}: 2026-03-02처럼 적어 주세요.", "{column} {value}: write it as 2026-03-02."),
    ),
    "dates_reversed": Reason(
        Text("전출일이 전입일보다 늦지 않습니다", "moved_out is not after moved_in"),
        Text("{moved_in} – {moved_out}: 두 날짜를 확인하세요.", "{moved_in} to {moved_out}: check both dates."),
    ),
    "bad_card": Reason(
        Text("카드 번호가 아닙니다", "not a card number"),
        Text(
            "{card}: 16진수 8~24자리여야 합니다. 열 서식을 ‘텍스트’로 하여 다시 저장해 주세요.",
            "{card}: it takes 8 to 24 hexadecimal digits. Save the file again with the column formatted as text.",
        ),
    ),
    "same_line": Reason(
        Text("같은 내용의 행이 또 있습니다", "a line stands twice"),
        Text("{other_line}번째 줄과 같습니다. 하나만 남기세요.", "the same as line {other_line}; keep one of them."),
    ),
    "ends_differ": Reason(
        Text("한 입주 기간의 전출일이 서로 다릅니다", "lines of one tenancy give different ends"),
        Text(
            "{moved_in} 전입: {ends}(줄 {lines}). 같은 전출일로 맞춰 주세요.",
            "moved in {moved_in}, out {ends} (lines {lines}). Give all of them the same moved_out.",
        ),
    ),
    "tenancy_overlap": Reason(
        Text("같은 세대의 다른 입주 기간과 겹칩니다", "overlaps another tenancy of the household"),
        Text(
            "{span}: {other}({where})의 입주 기간과 겹칩니다. 앞 입주자의 전출일을 먼저 적어 주세요.",
            "{span} overlaps {other} ({where}). Give the moved_out of the earlier one first.",
        ),
    ),
    "card_taken": Reason(
        Text("카드가 그 기간에 다른 입주 기간에 배정되어 있습니다", "the card belongs to another tenancy at that time"),
        Text(
            "카드 {card}: {holder} 세대, {other}({where}). 카드 번호를 확인하거나 앞 배정을 먼저 끝내 주세요.",
            "card {card}: {holder}, {other} ({where}). Check the number, or end that tenancy first.",
        ),
    ),
    "card_after_end": Reason(
        Text("전출일 뒤에 배정된 카드가 있습니다", "a card was given to the tenancy after its end"),
        Text(
            "{moved_out} 전출: 카드 {card}의 배정 시작은 {start}입니다. 날짜를 확인하세요.",
            "moved out {moved_out}, but card {card} was given on {start}. Check the dates.",
        ),
    ),
    # History: rows that are not used.
    "unknown_household": Reason(
        Text("등록되지 않은 세대입니다", "the household is not registered"),
        Text(
            "동과 호를 확인하거나 세대를 먼저 등록하세요.", "check building and unit, or register the household first."
        ),
    ),
    "bad_month": Reason(
        Text("월을 읽을 수 없습니다", "a month cannot be read"),
        Text(
            "month {value}: 2025-11처럼, 이미 지난 달을 적어 주세요.",
            "month {value}: write it as 2025-11, a month that is over.",
        ),
    ),
    "bad_amount": Reason(
        Text("수를 읽을 수 없습니다", "an amount cannot be read"),
        Text(
            "{column} {value}: 쉼표와 단위 없이 정수로 적어 주세요.",
            "{column} {value}: write a whole number without commas or units.",
        ),
    ),
    "month_twice": Reason(
        Text("한 세대의 같은 달이 또 있습니다", "a month of a household stands twice"),
        Text(
            "{other_line}번째 줄과 같은 달입니다. 하나만 남기세요.", "the same as line {other_line}; keep one of them."
        ),
    ),
    # Households: notes.
    "resident_kept": Reason(
        Text("등록된 입주자 정보와 다릅니다(등록된 정보를 그대로 둡니다)", "who lives there is registered otherwise"),
        Text(
            "바꾸려면 세대 화면에서 고쳐 주세요.",
            "the registered details stay; change them on the household's page.",
        ),
    ),
    "no_card": Reason(
        Text("카드가 없는 세대", "households without a card"),
        Text("카드 없이 등록합니다.", "registered without a card."),
    ),
    "card_short": Reason(
        Text("카드 번호가 10자리보다 짧습니다", "the card number has fewer than 10 digits"),
        Text(
            "카드 {card}, {digits}자리: 엑셀에서 앞의 0이 지워지지 않았는지 확인하세요.",
            "card {card}, {digits} digits: check whether a spreadsheet dropped leading zeros.",
        ),
    ),
    "end_kept": Reason(
        Text("이미 끝난 입주 기간(파일에는 전출일 없음)", "the tenancy has ended already; the file gives no moved_out"),
        Text("등록된 전출일 {moved_out}을 그대로 둡니다.", "the registered end {moved_out} stays."),
    ),
}
