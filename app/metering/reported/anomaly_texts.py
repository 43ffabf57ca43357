"""Why a line stands in the list of anomalies, and how the list is headed."""

from app.texts import Text

WEIGHT_ZERO = Text("배출 {count}건이 있으나 무게가 0 g입니다.", "Discharges: {count}, but 0 g.")
WEIGHT_BLANK = Text("배출 {count}건이 있으나 무게가 비어 있습니다.", "Discharges: {count}, but the weight is blank.")
PRICE = Text(
    "1 kg에 {price}원으로, 단가 {rate}원의 {share}%입니다.", "{price} won per kg: {share} % of the rate of {rate}."
)
WEIGHT = Text(
    "배출 1건에 평균 {each} g입니다. 보통은 {least}~{most} g 사이입니다: 저울을 확인할 만합니다.",
    "{each} g a discharge on average; plausible are {least} to {most} g: the scale deserves a look.",
)
WEIGHT_UNUSUAL = Text(
    "배출 1건에 평균 {each} g으로, 이 장소의 평소 {usual} g과 {times}배 넘게 차이 납니다.",
    "{each} g a discharge on average, more than {times} times off this place's usual {usual} g.",
)
FEW = Text(
    "{places}곳만 보고했습니다(평소 {usual}곳). 보고한 곳은 평소의 {share}%입니다: 실제 감소가 아니라 보고 누락입니다.",
    "{places} of usually {usual} places reported. Those gave {share} % of their usual: an outage, not a fall.",
)
FEW_AND_FALL = Text(
    "{places}곳만 보고했습니다(평소 {usual}곳). 보고가 빠졌고, 보고한 곳의 배출량도 평소의 {share}%로 줄었습니다.",
    "{places} of usually {usual} places reported: an outage; and those that did gave only {share} % of their usual.",
)
FEW_ALONE = Text(
    "{places}곳만 보고했습니다(평소 {usual}곳). 앞뒤 자료가 적어 배출량이 평소와 같은지는 알 수 없습니다.",
    "{places} of usually {usual} places reported. Too little is known around it to say how much is usual.",
)
NOBODY = Text(
    "한 곳도 보고하지 않았습니다(평소 {usual}곳). 전체 장애이거나 이 기간의 파일을 아직 가져오지 않은 것입니다.",
    "No place reported, usually {usual}: an outage of all, or the file of this time was not imported.",
)
FALL = Text(
    "평소처럼 {places}곳이 보고했으나 배출량은 평소({grams} g)의 {share}%입니다: "
    "보고 누락이 아니라 실제 감소입니다(날씨·휴일 등).",
    "The usual places reported ({places}), but gave {share} % of the usual {grams} g: a real fall, not an outage "
    "(weather, holidays).",
)
FALL_OF_ONE = Text(
    "배출량이 평소({grams} g)의 {share}%입니다. 한 곳의 합계만 공표되어 그 안의 장애인지는 알 수 없습니다.",
    "{share} % of the usual {grams} g. Only one total is published, so an outage inside it cannot be ruled out.",
)

TITLES = {
    "few_places": Text("보고한 장소가 적음(장애 또는 누락)", "Few places reported (an outage)"),
    "fall": Text("실제 감소(장소는 평소처럼 보고)", "Real falls (the usual places reported)"),
    "price_out_of_proportion": Text("무게에 비해 금액이 지나치게 많거나 적음", "Won out of proportion to the weight"),
    "count_without_weight": Text("건수는 있으나 무게가 없음", "Discharges without weight"),
    "implausible_weight": Text("배출 1건의 무게가 비정상", "Implausible grams a discharge"),
}
HEADING = Text("{title}: {count}건", "{title}: {count}")
EVERYWHERE = Text("전체({source} {level})", "all ({source}, {level})")
NO_LOCATION = Text("알수없음(위치 미상)", "알수없음 (no location)")
GRAMS = Text("{value} g", "{value} g")
COUNT = Text("{value}건", "{value} discharges")
WON = Text("{value}원", "{value} won")
MORE = Text("  … {count}건 더 있음(--limit으로 더 보기)", "  … and {count} more (see them with --limit)")
SERIES = Text(
    "{source} · {level}: {first} ~ {last}, 장소 {places}곳", "{source}, {level}: {first} to {last}, places: {places}"
)
NONE = Text("눈에 띄는 것이 없습니다.", "Nothing stands out.")
NOTHING = Text(
    "가져온 공표 배출량이 없습니다. 먼저: jongnyang import volumes FILE --source keco|jeju",
    "No reported volumes were imported. First: jongnyang import volumes FILE --source keco|jeju",
)
BAD_MONTH = Text(
    "연월을 알 수 없습니다: {month}. 2018-02처럼 적어 주세요.", "Not a month: {month}. Write it as 2018-02."
)
