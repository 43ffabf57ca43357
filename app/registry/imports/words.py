"""What tables, columns and kinds of import are called by people."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from app.texts import Text, listed
from billing.days import SEOUL

KINDS = {
    "complexes": Text("K-eco 단지 목록", "K-eco complexes"),
    "households": Text("세대와 카드", "Households and cards"),
    "history": Text("이전 시스템의 월별 내역", "Months of an earlier system"),
    "volumes": Text("공표 배출량", "Reported volumes"),
}
TABLES = {
    "district": Text("자치구", "districts"),
    "dong": Text("법정동", "dongs"),
    "complex": Text("단지", "complexes"),
    "building": Text("동", "buildings"),
    "household": Text("세대", "households"),
    "tenancy": Text("입주 기간", "tenancies"),
    "resident": Text("입주자 정보", "residents"),
    "card": Text("카드", "cards"),
    "card_assignment": Text("카드 배정", "card assignments"),
    "earlier_month": Text("이전 시스템의 월별 내역", "months of an earlier system"),
    "opening_balance": Text("이월 잔액", "opening balances"),
    "reducer": Text("대형감량기", "reducers"),
    "meter_assignment": Text("종량기 설치", "meter installations"),
    "discharge": Text("배출 기록", "discharges"),
    "discharge_correction": Text("정정 기록", "corrections"),
    "complex_day": Text("단지 일별 집계", "daily totals of complexes"),
    "household_month": Text("세대 월별 집계", "monthly totals of households"),
    "reported_volume": Text("공표 배출량", "reported volumes"),
}
TOTALS = {
    "complexes": Text("단지 {count}개", "{count} complexes"),
    "declared_households": Text("신고 세대수 {count}", "{count} declared households"),
    "households": Text("세대 {count}개", "{count} households"),
    "tenancies": Text("입주 기간 {count}개", "{count} tenancies"),
    "cards": Text("카드 {count}장", "{count} cards"),
    "months": Text("월별 내역 {count}건", "{count} months"),
    "balances": Text("이월 잔액 {count}건", "{count} opening balances"),
}
FIELDS = {
    "name": Text("이름", "name"),
    "dong_code": Text("법정동 코드", "dong code"),
    "declared_households": Text("신고 세대수", "declared households"),
    "road_address": Text("도로명 주소", "road address"),
    "address_detail": Text("상세 주소", "address detail"),
    "memo": Text("메모", "memo"),
    "equipment": Text("장비", "equipment"),
    "charging": Text("부과 방식", "charging"),
    "latitude": Text("위도", "latitude"),
    "longitude": Text("경도", "longitude"),
    "registered_at": Text("등록일시", "registered at"),
    "valid_to": Text("끝", "end"),
    "grams": Text("배출량(g)", "grams"),
    "count": Text("배출 횟수", "count"),
    "won": Text("금액(원)", "won"),
}


def table_name(table: str) -> Text:
    """A table as people call it; one that nobody named here keeps its own name."""
    return TABLES.get(table, Text(table, table))


def counted(counts: Mapping[str, int]) -> Text:
    """`dongs 8, complexes 149`."""
    return listed(
        Text("{name} {count}", "{name} {count}").fill(name=table_name(table), count=f"{count:,}")
        for table, count in counts.items()
        if count
    )


def shown(value: Any) -> str:
    """A stored value as people write it: times in Seoul, nothing as a dash."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        local = value.astimezone(SEOUL)
        return f"{local:%Y-%m-%d}" if local.time() == time.min else f"{local:%Y-%m-%d %H:%M:%S}"
    return str(value).replace("\n", " ⏎ ")
