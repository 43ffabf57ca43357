"""The whole district: beside the three real complexes as many as K-eco lists, of the same size together.

K-eco's list is not part of the product, so names, sizes and codes of the others are made up and say so. Where an office
has imported the list before, its complexes are taken instead. The counts are those of its list (data.go.kr 3045421).
"""

import math
import random
from collections.abc import Iterable, Sequence

from app.demo.town import FLOORS, LINES, SITES, Site

COMPLEXES, HOUSEHOLDS, METERS = 149, 62_016, 724
FEWEST, USUAL, SPREAD = 30, 250, 1.0  # households of an invented complex: a log-normal like that of the real ones
INVENTED_FROM = 0x900  # K-eco's codes end below W0G0AF
# Complexes by legal dong, as K-eco has them.
DONGS = {
    ("1150010200", "등촌동"): 34,
    ("1150010500", "마곡동"): 34,
    ("1150010100", "염창동"): 21,
    ("1150010300", "화곡동"): 19,
    ("1150010600", "내발산동"): 13,
    ("1150010400", "가양동"): 12,
    ("1150010900", "방화동"): 12,
    ("1150010800", "공항동"): 1,
}


def invented() -> list[Site]:
    """The complexes that nobody built, without their meters; always the same."""
    draw = random.Random(INVENTED_FROM)  # noqa: S311 - made-up people, no secret
    count = COMPLEXES - len(SITES)
    sizes = [draw.lognormvariate(math.log(USUAL), SPREAD) for _ in range(count)]
    households = share_out(HOUSEHOLDS - sum(site.households for site in SITES), sizes, FEWEST)
    dongs = draw.sample(list(DONGS), k=count, counts=list(DONGS.values()))
    return [
        _site(f"W0G{INVENTED_FROM + number:03X}", f"가상 {number + 1}단지", size, dong)
        for number, (size, dong) in enumerate(zip(households, dongs, strict=True))
    ]


def with_meters(complexes: Sequence[tuple[str, str, int]]) -> list[Site]:
    """Complexes, given by code, name and households, with as many meters as those of K-eco have."""
    sizes = [households for _, _, households in complexes]
    ours = sum(site.households for site in SITES), sum(len(site.meters) for site in SITES)
    total = round(sum(sizes) * (METERS - ours[1]) / (HOUSEHOLDS - ours[0]))
    counts = share_out(max(total, len(sizes)), sizes, 1)
    return [
        _site(*place)._replace(meters=tuple(_beside(place[2], count)))
        for place, count in zip(complexes, counts, strict=True)
    ]


def share_out(total: int, weights: Sequence[float], least: int) -> list[int]:
    """`total` in whole parts after `weights`, none below `least`, which must fit in; largest remainders round up."""
    rest, whole = total - least * len(weights), math.fsum(weights)
    exact = [rest * weight / whole for weight in weights]
    parts = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
    for index in by_remainder[: rest - sum(parts)]:
        parts[index] += 1
    return [least + part for part in parts]


def _site(code: str, name: str, households: int, dong: tuple[str, str] = ("", "")) -> Site:
    address = f"({dong[1]}, {name})" if dong[1] else ""
    return Site(code, name, name, "", "", address, dong[0], households, "", "", "", ())


def _beside(households: int, count: int) -> Iterable[int]:
    buildings = math.ceil(households / (LINES * FLOORS))
    return (1 + number * buildings // count for number in range(count))
