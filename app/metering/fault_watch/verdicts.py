"""What is observed of a district as verdicts on the conditions of its devices. Pure.

A device is judged only by what can be known: of a meter behind a silent gateway, of a bin whose gateway still holds
older records, or of one that reports why it is broken, nothing more is said.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.fleet.faults.judging import WELL, Seen
from app.fleet.faults.policy import CLASSES, REPORTED
from app.fleet.faults.remembering import Key
from app.metering.fault_watch.observing import Observed, Report, Standing
from app.metering.volumes.coverage import LATENCY

FRESH = timedelta(minutes=5)  # a gateway reports every minute, and waits so long at most between attempts


def verdicts(observed: Observed, one_in: int, counted_from: datetime, now: datetime) -> dict[Key, Seen]:
    """What is seen of each condition, by device and condition; what is not known is left out."""
    found: dict[Key, Seen] = {}
    for gateway_id in {each.gateway_id for each in observed.standing}:
        last = observed.last_contact.get(gateway_id)
        if last is not None and (seen := _silence(last, FRESH, counted_from, now)) is not None:
            found[f"gateway/{gateway_id}", "gateway_silent"] = seen
    for each in observed.standing:
        last, report = observed.last_contact.get(each.gateway_id), observed.reports.get(each.gateway_id)
        if last is not None and now - last < FRESH:
            device = f"meter/{each.meter_id}"
            found |= {
                (device, name): seen for name, seen in _of_meter(each, observed, report, one_in, counted_from, now)
            }
    return found


def _silence(last: datetime, fresh: timedelta, counted_from: datetime, now: datetime) -> Seen | None:
    """Silent since it was heard last, or well; unknown while nobody could have heard it."""
    if now - last < fresh:
        return WELL
    since = max(last, counted_from)
    return Seen(since) if now - since >= fresh else None


def _of_meter(
    meter: Standing, observed: Observed, report: Report | None, one_in: int, counted_from: datetime, now: datetime
) -> Iterator[tuple[str, Seen]]:
    told = None
    if report is not None and now - report.received_at < FRESH:
        told = report.faults.get(meter.meter)
    if told is not None:
        for name in CLASSES:
            yield REPORTED + name, Seen(now) if name in told else WELL
    last_alive = max(observed.last_alive.get(meter.meter_id, meter.since), meter.since)
    alive = _silence(last_alive, LATENCY, counted_from, now)
    if alive is WELL or (alive is not None and not told):
        yield "meter_silent", alive
    if observed.quiet is None or meter.meter_id not in observed.quiet:
        return
    quiet = observed.quiet[meter.meter_id]
    if not quiet.improbable(one_in):
        yield "no_discharges", WELL
    elif alive is WELL and told is not None and not told and report is not None and report.backlog < LATENCY:
        yield "no_discharges", Seen(max(quiet.since, meter.since))
