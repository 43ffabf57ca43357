"""The board of a month: how far each complex is, what blocks closing it, and what to have seen before closing it."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec.json import decode
from sqlalchemy.orm import Session

from app.access.reach import Reach
from app.registry.models import Complex, Household, Tenancy
from app.statements import queries, warnings
from app.statements.checks.asked import Asked
from app.statements.corrections import waiting
from app.statements.disputes.models import Dispute
from app.statements.models import StatementRun
from app.statements.position import positions_of
from app.statements.previewing import SETTLED
from app.statements.terms.terms import of_complexes
from billing.days import month_after, month_of, service_day

Row = dict[str, Any]
STATES = ("open", "preview", "review", "reviewed", "final")
SORTS = ("complex", "state", "households", "grams", "won", "change_won", "warnings")


class Board(NamedTuple):
    """A month: a row for each complex by code, how many are in each state, sums, and what names the previews shown.

    A row: complex_id, complex, complex_name, state (`open`: no preview; `review`: managers may look at it until
    `review_until`; `preview`: that is over; `reviewed`: one agreed; `final`), run (its number), scheme, review_until,
    content_hash, households, grams, won, before_won (of the month before; None: no run), change_won, warnings (by
    kind), disputes (open ones of whatever month), late (usage that waits for a decision), and blocks: slugs of the
    problems that closing it now would raise.
    """

    month: date
    rows: list[Row]
    states: dict[str, int]
    warnings: dict[str, int]
    sums: dict[str, int]
    seen: str

    @property
    def ready(self) -> list[str]:
        """Codes of the complexes that can be closed now."""
        return [row["complex"] for row in self.rows if row["state"] != "final" and not row["blocks"]]

    @property
    def not_final(self) -> list[str]:
        """Codes of the complexes that are not closed."""
        return [row["complex"] for row in self.rows if row["state"] != "final"]


def board(session: Session, district_id: int, month: date, reach: Reach, now: datetime) -> Board:
    """The board of a month, by a fixed number of statements of SQL, however many complexes there are."""
    asked = Asked(session, district_id, month, reach, now)
    complexes = _complexes(session, district_id, reach)
    ids = [row.id for row in complexes]
    found = _Found(
        _runs(asked, month),
        _runs(asked, month_after(month, -1)),
        positions_of(session, district_id, ids, month),
        of_complexes(session, district_id, ids, month),
        _households(asked),
        warnings.counts(asked),
        _disputes(asked),
        _late(asked, ids),
    )
    rows = [_row(asked, complex_, found) for complex_ in complexes]
    told = Counter[str]()
    for row in rows:
        told.update(row["warnings"])
    states = Counter(row["state"] for row in rows)
    sums = {name: sum(row[name] or 0 for row in rows) for name in ("households", "grams", "won", "disputes", "late")}
    by_state = {state: states[state] for state in STATES}
    return Board(month, rows, by_state, dict(told), sums, _seen(rows, found.runs))


def newest_open(session: Session, district_id: int, reach: Reach, now: datetime) -> date:
    """The month to look at first: the last one that is over unless all of it is closed; then the one that runs."""
    running = month_of(service_day(now))
    last = month_after(running, -1)
    r = StatementRun
    closed = sa.exists().where(
        *(r.district_id == Complex.district_id, r.complex_id == Complex.id, r.month == last),
        *(r.version == 1, r.state == "final"),
    )
    mine = (Complex.district_id == district_id, reach.within(Complex.id))
    open_ = session.scalar(sa.select(sa.func.count()).select_from(Complex).where(*mine, ~closed))
    return last if open_ else running


def months(session: Session, district_id: int, reach: Reach, now: datetime) -> list[Row]:
    """Months to choose from, the newest first: those with runs, the last one that is over and the one that runs."""
    running = month_of(service_day(now))
    known = {row["month"]: row for row in queries.months(session, district_id, reach)}
    nothing = {"complexes": 0, "final": 0, "statements": 0, "grams": 0, "count": 0, "won": 0}
    every = known.keys() | {running, month_after(running, -1)}
    return [known.get(month, {"month": month} | nothing) for month in sorted(every, reverse=True)]


def sorted_rows(rows: list[Row], by: str, falling: bool) -> list[Row]:
    """Rows in the order of one of SORTS; equal ones by code. What is not known comes last."""

    def place(row: Row) -> Any:
        if by == "complex":
            return row["complex_name"]
        if by == "state":
            return STATES.index(row["state"])
        return sum(row["warnings"].values()) if by == "warnings" else row[by]

    known = [row for row in rows if place(row) is not None]
    unknown = [row for row in rows if place(row) is None]
    return sorted(known, key=place, reverse=falling) + unknown


class _Found(NamedTuple):
    runs: Mapping[int, StatementRun]
    before: Mapping[int, StatementRun]
    positions: Mapping[int, Any]
    terms: Mapping[int, Any]
    households: Mapping[int, int]
    warnings: Mapping[int, dict[str, int]]
    disputes: Mapping[int, int]
    late: Mapping[int, int]


def _row(asked: Asked, complex_: Any, found: _Found) -> Row:
    id_ = complex_.id
    run, before = found.runs.get(id_), found.before.get(id_)
    told = found.warnings.get(id_, {})
    blocks = [] if run is not None and run.state == "final" else _blocks(asked, run, found.positions[id_], told)
    return {
        **{"complex_id": id_, "complex": complex_.code, "complex_name": complex_.name},
        **{"state": _state(run, asked.now), "run": run and run.number, "scheme": found.terms[id_].scheme},
        **{"review_until": run and run.review_until, "households": found.households.get(id_, 0)},
        **{"grams": run and run.grams, "won": run and run.won, "before_won": before and before.won},
        "content_hash": run and run.content_hash,
        "change_won": run.won - before.won if run is not None and before is not None else None,
        **{"warnings": told, "disputes": found.disputes.get(id_, 0), "late": found.late.get(id_, 0), "blocks": blocks},
    }


def _state(run: StatementRun | None, now: datetime) -> str:
    if run is None:
        return "open"
    if run.state == "final":
        return "final"
    if run.reviewed_at is not None:
        return "reviewed"
    return "review" if now < run.review_until else "preview"


def _blocks(asked: Asked, run: StatementRun | None, position: Any, told: Mapping[str, int]) -> list[str]:
    """Slugs of problems, what is to be mended first coming first. Of these, finalising raises all but `no-tariff`."""
    found = []
    if "no_tariff" in told:
        found.append("no-tariff")
    if run is None:
        return [*found, "no-preview"] if asked.over else [*found, "month-not-over"]
    if run.ledger_at < asked.end:
        found.append("month-not-over")
    if decode(run.detail)["position"] != position._asdict():
        found.append("preview-outdated")
    if _state(run, asked.now) == "review":
        found.append("review-open")
    return found


def _seen(rows: list[Row], runs: Mapping[int, StatementRun]) -> str:
    """A digest of the previews that can be closed, so that none is closed that looks otherwise by then."""
    ready = sorted(row["complex_id"] for row in rows if row["state"] != "final" and not row["blocks"])
    text = "".join(f"{id_}:{runs[id_].content_hash.hex()};" for id_ in ready)
    return hashlib.sha256(text.encode()).hexdigest()


def _complexes(session: Session, district_id: int, reach: Reach) -> list[Any]:
    mine = (Complex.district_id == district_id, reach.within(Complex.id))
    asked = sa.select(Complex.id, Complex.code, Complex.name).where(*mine)
    return list(session.execute(asked.order_by(Complex.code)))


def _runs(asked: Asked, month: date) -> dict[int, StatementRun]:
    """The runs that close, or will close, a month."""
    r = StatementRun
    mine = (r.district_id == asked.district_id, r.month == month, r.version == 1, asked.within(r.complex_id))
    return {run.complex_id: run for run in asked.session.scalars(sa.select(r).where(*mine))}


def _households(asked: Asked) -> dict[int, int]:
    """By complex, how many households somebody lived in during the month."""
    t, h = Tenancy, Household
    lives = (t.valid_from < asked.end, sa.or_(t.valid_to.is_(None), t.valid_to > asked.first))
    found = (
        sa.select(h.complex_id, sa.func.count(sa.distinct(h.id)))
        .join(t, sa.and_(t.district_id == h.district_id, t.household_id == h.id))
        .where(h.district_id == asked.district_id, asked.within(h.complex_id), *lives)
    )
    return _counted(asked, found.group_by(h.complex_id))


def _disputes(asked: Asked) -> dict[int, int]:
    d = Dispute
    mine = (d.district_id == asked.district_id, d.state == "open", asked.within(d.complex_id))
    found = sa.select(d.complex_id, sa.func.count()).where(*mine).group_by(d.complex_id)
    return _counted(asked, found)


def _counted(asked: Asked, found: Any) -> dict[int, int]:
    return {row[0]: row[1] for row in asked.session.execute(found)}


def _late(asked: Asked, ids: list[int]) -> dict[int, int]:
    """By complex, how many tenancies' months wait until somebody decides."""
    found = waiting.of_tenancies(asked.session, asked.district_id, ids, asked.now - SETTLED)
    return Counter(each.key.complex_id for each in found if each.decision is None)
