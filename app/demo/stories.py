"""What happened in the year before the demo began: an outage, a silent meter and a real fall, to be told apart."""

from datetime import date, timedelta
from typing import NamedTuple

from app.demo.residents import DAY_US, Stretch, midnight_us
from app.demo.town import SITES, Site, gateway_code, meters
from app.texts import Text

OUTAGE = Text(
    "{first}부터 {days}일: {site} 게이트웨이({gateway})가 끊겨 배출도 신호도 없습니다",
    "from {first}, {days} days: outage of {site}'s gateway {gateway}; neither discharges nor alive meters",
)
SILENT = Text(
    "{first}부터 {days}일: {site} 종량기 {meter}만 신호가 없고, 주민은 옆 종량기를 쓰거나 버리지 않습니다",
    "from {first}, {days} days: {site}'s meter {meter} is silent; residents use the next one, or none",
)
FALL = Text(
    "{first}부터 {days}일: {site}의 배출이 실제로 절반으로 줄었고, 모든 종량기가 살아 있습니다",
    "from {first}, {days} days: {site} really throws away half as much; every meter is alive",
)


class Story(NamedTuple):
    """Something that happened at a site for whole service days, `days_ago` before the end of the history.

    `silent` counts the site's meters that do not answer (None: all of them); `factor` multiplies the discharges.
    """

    text: Text
    site: Site
    days_ago: int
    days: int
    silent: tuple[int, ...] | None = ()
    factor: float = 1.0

    def is_on(self, day: date, end: date) -> bool:
        """Whether it happened on `day`, in a history that ends with `end`."""
        first = self.first(end)
        return first <= day < first + timedelta(self.days)

    def first(self, end: date) -> date:
        """Its first day."""
        return end - timedelta(self.days_ago)

    def told(self, end: date) -> Text:
        """What happened, in a sentence."""
        meter = list(meters(self.site))[self.silent[0]] if self.silent else ""
        place = {"site": self.site.name, "gateway": gateway_code(self.site.code), "meter": meter}
        return self.text.fill(first=self.first(end), days=self.days, **place)


class Happening(NamedTuple):
    """What stories make of one day of a complex with so many meters."""

    silences: list[Stretch]
    factor: float


STORIES = (
    Story(OUTAGE, SITES[1], days_ago=35, days=2, silent=None),
    Story(SILENT, SITES[2], days_ago=21, days=6, silent=(1,)),
    Story(FALL, SITES[0], days_ago=12, days=5, factor=0.5),
)


def happening(code: str, meters: int, day: date, end: date) -> Happening:
    """What happened at the complex `code` on a day of a history that ends with `end`."""
    silences, factor = [], 1.0
    for story in STORIES:
        if story.site.code == code and story.is_on(day, end):
            silent = range(meters) if story.silent is None else story.silent
            start = midnight_us(day)
            silences += [Stretch(meter, start, start + DAY_US) for meter in silent if meter < meters]
            factor *= story.factor
    return Happening(silences, factor)
