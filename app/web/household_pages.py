"""The registry desk: households found by complex, unit or card; one household with all that can be done to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.access import rules
from app.access.accounts import current_actor, current_district_id, current_identity, current_reach
from app.access.audit_queries import history
from app.context import service
from app.fleet.touches import recent_touches
from app.metering.households.service import Desk
from app.problems import Problem
from app.registry.card_changes import CardHash
from app.registry.devices.queries import complex_choices
from app.registry.household_queries import STATES, Asked, household_detail, household_page
from app.registry.moves import NOT_YET
from app.registry.residents import Details
from app.schemas import MAX_ID
from app.statements.finding import Sought, statements
from app.statements.payments.accounts import household_account
from app.times import now
from app.web import billing_words, fields, forms
from app.web import household_words as words
from app.web.fields import Fields
from billing.days import service_day

blueprint = Blueprint("household_pages", __name__)

PAGE = 100
READ, WRITE, REVEAL, BILLING = "household:read", "household:write", "household:reveal", "billing:read"
STATEMENTS = 12  # of the newest on the household's page
HOUSEHOLD = f"/households/<int(max={MAX_ID}):household_id>"
REVEALED = "revealed"  # in the session: by reader and household, until which Unix time its details are shown
SHOWN_FOR = timedelta(minutes=10)
MOST_SHOWN = 5

Action = Callable[[Desk, int, Fields], int | None]


@contextmanager
def desk() -> Iterator[Desk]:
    """The desk of whoever reads the page, in a transaction."""
    with service().database.begin() as transaction:
        yield Desk(transaction, current_district_id(), current_actor(), now(), current_reach())


@blueprint.get("/households")
@rules.scope(READ, reach="complex")
def households() -> str:
    """Households by complex, building and unit, those that were asked for."""
    return _households(told=forms.flashed())


@blueprint.post("/households")
@rules.scope(WRITE, reach="complex")
def add() -> Response | tuple[str, int]:
    """Register a household."""
    form = Fields("add")
    try:
        with desk() as at:
            made = at.add(form.text("complex"), form.text("building"), form.text("unit"))
    except Problem as problem:
        return _households(failure=forms.failure_of(problem), errors=_errors("add", problem)), 422
    flash(_("The household is registered. Let somebody move in, or give it cards."))
    return redirect(url_for("household_pages.household", household_id=made))


@blueprint.get(HOUSEHOLD)
@rules.scope(READ, reach="complex")
def household(household_id: int) -> str:
    """One household: who lives there, cards, what happened, and what can be done."""
    return _household(household_id, told=forms.flashed())


@blueprint.post(HOUSEHOLD)
@rules.scope(WRITE, reach="complex")
def act(household_id: int) -> Response | tuple[str, int]:
    """Do what the form's action names."""
    action = request.form.get("action", "")
    if action not in ACTIONS:
        raise Problem("invalid", errors={"action": action[:40]})
    form = Fields(action)
    try:
        with desk() as at:
            at.home(household_id)  # what may not be known is not found, whatever the form says
            count = ACTIONS[action](at, household_id, form)
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _household(household_id, failure=_failure(problem), errors=_errors(action, problem)), 422
    flash(_done(count))
    return redirect(url_for("household_pages.household", household_id=household_id))


@blueprint.post(f"{HOUSEHOLD}/reveal")
@rules.scope(REVEAL, reach="complex")
def reveal(household_id: int) -> Response | tuple[str, int]:
    """Show the personal details of a household for ten minutes, for a reason that is logged."""
    form = Fields("reveal")
    try:
        with desk() as at:
            at.reveal(household_id, form.text("reason"))
    except Problem as problem:
        if problem.slug == "not-found":
            raise
        return _household(household_id, failure=_failure(problem), errors=_errors("reveal", problem)), 422
    shown = dict(list(session.get(REVEALED, {}).items())[1 - MOST_SHOWN :])
    session[REVEALED] = shown | {_look(household_id): int((now() + SHOWN_FOR).timestamp())}
    return redirect(url_for("household_pages.household", household_id=household_id))


def _move_in(at: Desk, household_id: int, form: Fields) -> int:
    on, resident = form.day("on"), _resident(form)
    until = form.day("until") if form.text("until") else None
    form.check()
    return at.move_in(household_id, on, until, resident, _card(at, form))


def _move_out(at: Desk, household_id: int, form: Fields) -> int:
    on = form.day("on")
    form.check()
    return at.move_out(household_id, on, form.text("cards"))


def _change(at: Desk, household_id: int, form: Fields) -> int:
    on = form.day("on")
    form.check()
    return at.change_tenant(household_id, on, _resident(form), _card(at, form))


def _abandon(at: Desk, household_id: int, form: Fields) -> int:
    on = form.day("on")
    form.check()
    return at.abandon(household_id, on, form.text("reason"))


def _come_back(at: Desk, household_id: int, form: Fields) -> int:
    return at.come_back(household_id)


def _rename(at: Desk, household_id: int, form: Fields) -> None:
    at.rename(household_id, form.text("building"), form.text("unit"))


def _set_resident(at: Desk, household_id: int, form: Fields) -> None:
    at.set_resident(household_id, _resident(form), form.whole("tenancy") or None)


def _erase(at: Desk, household_id: int, form: Fields) -> None:
    at.set_resident(household_id, Details(), form.whole("tenancy") or None)


def _give_card(at: Desk, household_id: int, form: Fields) -> int:
    on = form.day("on") if form.text("on") else None
    form.check()
    return at.give_card(household_id, _given_card(at, form), on)


def _lose(at: Desk, household_id: int, form: Fields) -> None:
    at.lose_card(household_id, form.whole("card"), form.text("reason"))


def _reissue(at: Desk, household_id: int, form: Fields) -> None:
    at.reissue_card(household_id, form.whole("card"), _given_card(at, form))


def _take_back(at: Desk, household_id: int, form: Fields) -> int:
    on = form.day("on") if form.text("on") else None
    form.check()
    return at.take_card_back(household_id, form.whole("card"), on, form.text("cards"))


def _block(at: Desk, household_id: int, form: Fields) -> None:
    at.block_card(household_id, form.whole("card"), form.text("reason"))


def _unblock(at: Desk, household_id: int, form: Fields) -> None:
    at.unblock_card(household_id, form.whole("card"))


ACTIONS: dict[str, Action] = {
    "move_in": _move_in,
    "move_out": _move_out,
    "change": _change,
    "abandon": _abandon,
    "come_back": _come_back,
    "rename": _rename,
    "resident": _set_resident,
    "erase": _erase,
    "give": _give_card,
    "lose": _lose,
    "reissue": _reissue,
    "take_back": _take_back,
    "block": _block,
    "unblock": _unblock,
}


def _households(told: str = "", failure: str = "", errors: dict[str, Any] | None = None) -> str:
    given = {name: request.args.get(name, "").strip()[:40] for name in Asked._fields}
    asked = Asked(**given)._replace(state=given["state"] if given["state"] in STATES else "")
    after = request.args.get("after", type=int)
    with service().database.session() as reading:
        district_id, reach = current_district_id(), current_reach()
        after = after if after and 0 < after <= MAX_ID else None
        rows = household_page(reading, district_id, asked, now(), after, PAGE + 1, reach)
        choices = complex_choices(reading, district_id, reach)
    more: dict[str, Any] = {name: value for name, value in given.items() if value}
    more |= {"after": rows[PAGE - 1]["id"]} if len(rows) > PAGE else {}
    return render_template(
        "households.html",
        rows=rows[:PAGE],
        more=url_for("household_pages.households", **more) if "after" in more else None,
        **{"asked": given, "choices": choices, "told": told, "failure": failure, "errors": errors or {}},
        **_shared(),
    )


def _household(household_id: int, told: str = "", failure: str = "", errors: dict[str, Any] | None = None) -> str:
    until = _shown_until(household_id)
    with desk() as at:
        row = household_detail(at.session, at.home(household_id), at.now, revealed=until is not None)
        touches = recent_touches(at.session, at.district_id, at.now, complex_code=row["complex"], reach=at.reach)
        cards = [("card", card["id"]) for card in row["held_cards"]]
        done = history(at.session, at.district_id, at.reach, "household", household_id, also=cards)
        owed = _statements(at, household_id)
        balances = household_account(at.session, at.district_id, household_id, service_day(at.now)) if owed else []
    current = next((each for each in row["tenancies"] if each["current"]), None)
    return render_template(
        "household.html",
        row=row,
        current=current,
        until=until,
        touches=[touch for touch in touches if touch["card"] in ("unknown", "free")],
        history=done,
        statements=owed,
        balances=balances,
        **{"told": told, "failure": failure, "errors": errors or {}},
        **_shared(),
    )


def _statements(at: Desk, household_id: int) -> list[dict[str, Any]] | None:
    """The newest statements of a household; None for those who may not read any."""
    if not current_identity().may(BILLING):
        return None
    return statements(at.session, at.district_id, Sought(household_id=household_id), at.reach, limit=STATEMENTS)


def _shown_until(household_id: int) -> datetime | None:
    """Until when the reader's session shows the personal details of a household; None where it does not."""
    until = session.get(REVEALED, {}).get(_look(household_id), 0)
    return datetime.fromtimestamp(until, UTC) if until > now().timestamp() and current_identity().may(REVEAL) else None


def _look(household_id: int) -> str:
    """Names a reader's look at a household: a program's, of another district even, may come with the same cookie."""
    me = current_identity()
    return f"{me.district_id}/{me.account_id}/{household_id}"


def _resident(form: Fields) -> Details:
    return Details(form.text("name"), form.text("phone"), form.text("email"))


def _card(at: Desk, form: Fields) -> CardHash | None:
    """The card that was chosen or typed, or none."""
    if form.text("number"):
        return at.card_by_number(form.text("number"))
    return at.card_by_hash(form.text("touch")) if form.text("touch") else None


def _given_card(at: Desk, form: Fields) -> CardHash:
    card = _card(at, form)
    if card is None:
        raise Problem("invalid", errors={"number": ""})
    return card


def _done(count: int | None) -> str:
    if not count:
        return str(_("Done."))
    told = ngettext(
        "%(num)s discharge now belongs to whoever held the card then.",
        "%(num)s discharges now belong to whoever held the card then.",
        count,
    )
    return f"{_('Done.')} {told}"


def _failure(problem: Problem) -> str:
    told = forms.failure_of(problem)
    day = problem.extra.get("since") or problem.extra.get("given")
    return f"{told} ({day})" if day else told


def _errors(action: str, problem: Problem) -> dict[str, Any]:
    """What is wrong by field, in the reader's language."""
    found = fields.errors_of(action, problem)
    named = {f"{action}_{name}": str(text) for name, text in words.ERRORS.items()}
    typed = forms.errors_of(problem)
    return {
        name: text if typed.get(name.removeprefix(f"{action}_")) in POOR else named.get(name, text)
        for name, text in found.items()
    }


POOR = (fields.POOR_DAY, fields.POOR_NUMBER, NOT_YET)  # already in the reader's language


def _shared() -> dict[str, Any]:
    may = current_identity().may
    today = service_day(now())
    return {
        "words": words,
        "billing": billing_words,
        "today": today,
        "may_write": may(WRITE),
        "may_reveal": may(REVEAL),
        "given": request.form,
    }
