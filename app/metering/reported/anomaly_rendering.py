"""Anomalies as lines for a terminal and as objects for programs."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from app.metering.reported import anomaly_texts as texts
from app.metering.reported.anomalies import Anomaly
from app.metering.reported.models import UNLOCATED
from app.metering.reported.periods import DAY
from app.metering.reported.queries import Series, SourceFit
from app.metering.reported.rendering import fit_lines
from app.metering.reported.texts import LEVEL_NAMES
from app.texts import Text, listed

SHOWN = 20  # of each kind


def anomalies_text(
    series: Sequence[Series], found: Sequence[Anomaly], fits: Sequence[SourceFit], limit: int, language: str
) -> str:
    """What was looked at, what stands out by kind (the first `limit` of each), and how the won fit the tariff."""
    return "\n".join(text.said(language) for text in _lines(series, found, fits, limit))


def anomalies_json(
    found: Sequence[Anomaly], fits: Sequence[SourceFit], limit: int | None, language: str
) -> dict[str, Any]:
    """`anomalies` and `tariff`; days as ISO 8601, weights in grams, prices in won per kg as text."""
    shown = [each for _, same in groupby(found, key=lambda each: each.kind) for each in list(same)[:limit]]
    return {
        "anomalies": [_plain(each, language) for each in shown],
        "tariff": [{"source": each.source, "level": each.level, **fit._asdict()} for each in fits for fit in each.fit],
    }


def _lines(series: Sequence[Series], found: Sequence[Anomaly], fits: Sequence[SourceFit], limit: int) -> Iterator[Text]:
    if not series:
        yield texts.NOTHING
        return
    yield from map(_series, series)
    for kind, group in groupby(found, key=lambda each: each.kind):
        same = list(group)
        yield Text("", "")
        yield texts.HEADING.fill(title=texts.TITLES[kind], count=f"{len(same):,}")
        yield from map(_line, same[:limit])
        if len(same) > limit:
            yield texts.MORE.fill(count=f"{len(same) - limit:,}")
    if not found:
        yield texts.NONE
    for each in fits:
        yield Text("", "")
        yield from fit_lines(each.source, each.fit)


def _series(series: Series) -> Text:
    first, last = series.starts_on, series.ends_on - DAY
    return texts.SERIES.fill(
        source=series.source, level=LEVEL_NAMES[series.level], first=first, last=last, places=f"{series.places:,}"
    )


def _line(each: Anomaly) -> Text:
    amounts = ((texts.GRAMS, each.grams), (texts.COUNT, each.count), (texts.WON, each.won))
    figures = [text.fill(value=f"{value:,}") for text, value in amounts if value is not None]
    when = Text(_when(each), _when(each))
    return listed([Text("", ""), when, _place(each), *([listed(figures)] if figures else []), each.why], "  ")


def _place(each: Anomaly) -> Text:
    if not each.place:
        return texts.EVERYWHERE.fill(source=each.source, level=LEVEL_NAMES[each.level])
    return texts.NO_LOCATION if each.place == UNLOCATED else Text(each.name, each.name)


def _when(each: Anomaly) -> str:
    last = each.ends_on - DAY
    if each.level == "site":
        first_month, last_month = str(each.starts_on)[:7], str(last)[:7]
        return first_month if first_month == last_month else f"{first_month} ~ {last_month}"
    return str(each.starts_on) if last == each.starts_on else f"{each.starts_on} ~ {last}"


def _plain(each: Anomaly, language: str) -> dict[str, Any]:
    amounts = {name: str(value) for name in ("value", "usual") if isinstance(value := getattr(each, name), Decimal)}
    days = {"starts_on": each.starts_on.isoformat(), "ends_on": each.ends_on.isoformat()}
    return each._asdict() | days | amounts | {"why": each.why.said(language)}
