"""The demo's town: three real complexes of Gangseo-gu, and made-up households, cards and meters in them.

Code, name, address, dong, households and coordinates of the complexes are those of the K-eco open API
(data.go.kr 3045421). Nobody's real card or move is in here: they come from a hash, so that they are always the same.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

DISTRICT = "W0G"
METERS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
FIRST_MOVE = date(2010, 1, 1)
DAYS_OF_MOVING = 3652  # until the end of 2019, so that everybody lives there when the meters begin
FAMILY, GIVEN = "김이박최정강조윤장임", "민서지우하은도윤수아예준연현주영"
LINES, FLOORS = 4, 15  # homes on a floor, floors of a building


class Site(NamedTuple):
    """A complex as K-eco lists it; `meters` are the buildings, counted from 1, beside which a bin stands each."""

    code: str
    name: str
    listed_name: str
    memo: str
    address: str
    address_detail: str
    dong_code: str
    households: int
    registered_at: str
    longitude: str
    latitude: str
    meters: tuple[int, ...]


class Home(NamedTuple):
    """A household with its card, EM4100: 10 hex digits; somebody with a name lives in the three complexes alone."""

    building: str
    unit: str
    card: str
    moved_in: date
    resident: str
    phone: str


SITES = (
    Site(
        *("W0G001", "두보하이츠", "두보하이츠(BM)", ""),
        *("서울 강서구 등촌로39가길 42", "", "1150010200", 251),
        *("2016-10-09 19:51:43", "126.8574539507", "37.5461923001"),
        (1, 2, 3, 5),
    ),
    Site(
        *("W0G008", "마곡엠밸리3단지", "마곡엠밸리3단지(BM)", ""),
        *("서울특별시 강서구 마곡서1로 132", "(마곡동, 마곡엠밸리3단지)", "1150010500", 320),
        *("2016-10-09 19:51:43", "126.8199383", "37.5681904"),
        (1, 2, 3, 4, 6),
    ),
    Site(
        *("W0G03B", "강변힐스테이트아파트", "강변힐스테이트아파트", "(주)솔루션아이티"),
        *("서울특별시 강서구 양천로75길 19", "(염창동, 강변힐스테이트아파트)", "1150010100", 417),
        *("2017-11-27 16:43:10", "126.8741196", "37.5512405"),
        (1, 2, 4, 5, 7),
    ),
)


def homes(site: Site) -> Iterator[Home]:
    """As many households as K-eco declares, building by building, floor by floor."""
    is_small_town = site in SITES
    for index in range(site.households):
        block, place = divmod(index, LINES * FLOORS)
        floor, line = divmod(place, LINES)
        building, unit = str(101 + block), f"{floor + 1}{line + 1:02}"
        digest = hashlib.sha256(f"{site.code} {building}-{unit}".encode()).digest()
        moved_in = FIRST_MOVE + timedelta(days=int.from_bytes(digest[4:8]) % DAYS_OF_MOVING)
        # One in 2^32 would meet in a whole district.
        card = f"37{digest[:4].hex()}" if is_small_town else digest[8:13].hex()
        name = FAMILY[digest[13] % len(FAMILY)] + "".join(GIVEN[byte % len(GIVEN)] for byte in digest[14:16])
        phone = f"010-0000-{int.from_bytes(digest[16:18]) % 10_000:04}"  # no operator gives out such numbers
        yield Home(building, unit, card.upper(), moved_in, *((name, phone) if is_small_town else ("", "")))


def gateway_code(complex_code: str) -> str:
    """The only gateway of a complex."""
    return f"{DISTRICT}-GW-{complex_code.removeprefix(DISTRICT)}"


def meters(site: Site) -> dict[str, str]:
    """Names of the site's meters by code, which is district, complex, building and unit, as K-eco publishes them."""
    complex_number = site.code.removeprefix(DISTRICT)
    found = {}
    for index, building in enumerate(site.meters):
        unit = site.meters[:index].count(building) + 1
        name = f"{100 + building}동 종량기" + (f" {unit}" if unit > 1 else "")
        found[f"{DISTRICT}-{complex_number}-{building:02}-{unit}"] = name
    return found
