"""A district of two complexes whose last weeks hold all that can happen: an outage, a silent meter and a real fall."""

from datetime import date, timedelta

from app.db import Database
from app.times import now
from billing.days import service_day
from tests.metering.volumes.city import City, kst

WEEKS = 6
USUAL = 10_000  # grams a day and complex


class Town:
    """Its days are counted back from yesterday, which is `day(0)`."""

    outage, silence, fall = 9, 7, 5  # days ago

    def __init__(self, database: Database) -> None:
        self.city = City(database)
        self.dong = self.city.add_dong("1150010300", "가양동")
        self.near = self.city.add_complex("W0G001", self.dong.code, households=10, name="가양1단지")
        self.far = self.city.add_complex("W0G002", households=20, name="등촌3단지")
        box, other = self.city.add_gateway("GW-1"), self.city.add_gateway("GW-2")
        self.near_meters = [self.city.add_meter(box, self.near), self.city.add_meter(box, self.near)]
        self.far_meter = self.city.add_meter(other, self.far)
        self.household = self.city.add_household(self.near, "1402")
        self.yesterday = service_day(now()) - timedelta(days=1)
        for ago in range(7 * WEEKS):
            self._live(ago)
        self.city.book()

    def day(self, ago: int) -> date:
        return self.yesterday - timedelta(days=ago)

    def _live(self, ago: int) -> None:
        midnight, grams = kst(self.day(ago)), USUAL // 10 if ago == self.fall else USUAL
        heard = list(self.near_meters) if ago != self.silence else self.near_meters[:1]
        self.city.throw(self.near_meters[0], midnight + timedelta(hours=19), grams, self.household)
        if ago != self.outage:
            heard.append(self.far_meter)
            self.city.throw(self.far_meter, midnight + timedelta(hours=20), grams)
        self.city.alive(heard, midnight, midnight + timedelta(days=1))
