"""What the residents of the demo do: numbers that others measured, and a few that nobody has published.

Measured: grams, weekdays, months and festivals (K-eco open API, data.go.kr 3045421: complex means 2018-2020, national
discharges by date 2018); faults a device and year (Jeju 2017-2019). Guesses, marked so: how often a postpaid household
discharges, the hours of the day, the spread between households and between bags, and what goes wrong in a session.
"""

from datetime import date, timedelta

GRAMS_A_DAY = 413.0  # a metered household, on average
DISCHARGES_A_DAY = 0.9  # guess: postpaid apartments go often with little; 62,016 households then make 20 million a year

# Means of complexes have their middle half in 354-478 g: of a log-normal, ln(478 / 354) / 1.349.
SPREAD_OF_COMPLEXES = 0.22
SPREAD_OF_GRAMS = 0.5  # guess, of a household's grams a day, as the standard deviation of the logarithm
SPREAD_OF_FREQUENCY = 0.35  # guess
SPREAD_OF_BAGS = 0.6  # guess, the same as that of the simulated gateways
HEAVIEST_G = 15_000

SUNDAY_FIRST = (1.08, 1.13, 0.99, 0.97, 0.94, 0.93, 0.95)
TONNES_A_DAY = (1875, 1968, 1897, 1860, 1958, 2189, 2431, 2124, 2148, 2014, 2286, 2141)  # January first
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_YEAR_TONNES_A_DAY = sum(tonnes * days for tonnes, days in zip(TONNES_A_DAY, _DAYS, strict=True)) / sum(_DAYS)

# Days from a festival, against an ordinary day of that month and weekday: the mean of both in 2018.
AROUND_FESTIVAL = {-2: 1.48, -1: 1.50, 0: 0.87, 1: 1.07, 2: 1.15}
# Seollal and Chuseok as the Korea Astronomy and Space Science Institute announces them; other years have no festivals.
FESTIVALS = (
    *(date(2024, 2, 10), date(2024, 9, 17), date(2025, 1, 29), date(2025, 10, 6), date(2026, 2, 17)),
    *(date(2026, 9, 25), date(2027, 2, 7), date(2027, 9, 15), date(2028, 1, 27), date(2028, 10, 3)),
)
_FESTIVE = {festival + timedelta(days): factor for festival in FESTIVALS for days, factor in AROUND_FESTIVAL.items()}

# Guess: discharges by hour of the day from midnight, with a peak after dinner and a lower one before work.
BY_HOUR = (7, 4, 2, 1, 1, 4, 14, 32, 44, 40, 36, 32, 33, 36, 31, 30, 33, 40, 56, 82, 98, 84, 52, 22)

# Guesses, as shares of all discharges. What is left is settled.
OUTCOMES = {"late_close": 0.03, "recovered": 0.005, "empty_open": 0.006, "unsettled": 0.002, "negative": 0.001}
UNKNOWN_CARDS = 0.005  # of all discharges
STRANGERS = 5  # unknown cards of a complex: lost ones, cards of visitors, cards not registered yet

FAULTS_A_METER_AND_YEAR = 1.0
FAULT_HOURS = (1.0, 8.0)  # guess
RESTARTS_A_DAY = 0.15  # guess: of a gateway, each of some minutes
RESTART_MINUTES = (2.0, 20.0)
NEIGHBOUR = 0.6  # guess: so many go to the next meter when theirs does not answer; the others not at all


def day_factor(day: date) -> float:
    """How much of an average day's discharges a service day has: month, weekday and festivals."""
    month = TONNES_A_DAY[day.month - 1] / _YEAR_TONNES_A_DAY
    return month * SUNDAY_FIRST[day.isoweekday() % 7] * _FESTIVE.get(day, 1.0)
