"""How each route is called about a side of the world. A test fails for a route that is missing here.

Values that begin with "@" name a column of the side's row, as in "@meter.code"; others are sent as they are. What a
JSON body requires and is not given here is made from the OpenAPI document.
"""

from typing import Any, NamedTuple

from billing.days import service_day
from tests.walk.world import MOMENT, OWN, Side

TODAY = service_day(MOMENT).isoformat()
TOUCHED = OWN.hash("touch").hex()  # held at our own bin


class Call(NamedTuple):
    """One way to call a route.

    `personal`: what the path names is one account's own, so it exists for nobody else, not even an administrator.
    `made`: who does not see the whole district sees what they made themselves, and so none of the world's.
    `multipart`: the form is sent as one that can hold a file.
    `needs` is a scope that the action takes besides the route's, of those who see the whole district.
    """

    path: dict[str, str] = {}  # noqa: RUF012 - never changed
    json: dict[str, Any] | None = None
    form: dict[str, str] | None = None
    query: dict[str, str] = {}  # noqa: RUF012 - never changed
    personal: bool = False
    made: bool = False
    needs: str | None = None
    multipart: bool = False

    @property
    def in_path(self) -> bool:
        """Whether the path names a row of the side."""
        return _names(self.path)

    @property
    def in_body(self) -> bool:
        """Whether the body does."""
        return _names((self.json or {}) | (self.form or {}))


def _names(values: dict[str, Any]) -> bool:
    return any(isinstance(value, str) and value.startswith("@") for value in values.values())


def resolved(values: dict[str, Any], side: Side) -> dict[str, Any]:
    """The values with those of the side's rows."""
    return {name: _resolved(value, side) for name, value in values.items()}


def _resolved(value: Any, side: Side) -> Any:
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    if value == "@number":
        return f"{side.id}-1-1"
    if value == "@statement":
        return f"{side.value('statement_run.number')}-0001"
    found = side.value(value[1:])
    return found.hex() if isinstance(found, bytes) else found


def actions(
    path: dict[str, str],
    *names: str,
    fields: dict[str, str] = {},  # noqa: B006 - never changed
    personal: bool = False,
    needs: str | None = None,
) -> tuple[Call, ...]:
    """A form for each action of a page."""
    return tuple(Call(path, form={"action": name} | fields, personal=personal, needs=needs) for name in names)


PLAIN = Call()
COMPLEX, HOUSEHOLD = {"place": "@complex.id"}, {"place": "@household.id"}
GATEWAY, METER, REDUCER, VENDOR = ({"code": f"@{table}.code"} for table in ("gateway", "meter", "reducer", "vendor"))
BOX = {"gateway": "@gateway.code"}
FAULT, INCIDENT = {"fault_id": "@fault.id"}, {"incident_id": "@incident.id"}
APPLICATION, CERTIFICATE = (
    {"application_id": "@installation_application.id"},
    {"certificate_id": "@scale_certificate.id"},
)
CHANNEL, MESSAGE = {"channel_id": "@contact_channel.id"}, {"message_id": "@message.id"}
PERSON, QUARANTINED = {"login": "@account.login"}, {"quarantine_id": "@quarantine.id"}
HOME, BATCH = {"household_id": "@household.id"}, {"number": "@import_batch.id"}
COMPLEX_CODE = {"code": "@complex.code"}
CARD = HOME | {"card_id": "@card.id"}
UPLOAD = {"kind": "households", "sha256": "@import_upload.sha256"}
API = "/api/v1"
ID = "<int(max=2147483647):{}>"
CODE = "<string(maxlength=40):code>"
FAULTS, CERTIFICATES = f"{API}/faults/{ID.format('fault_id')}", f"{API}/certificates/{ID.format('certificate_id')}"
CHANNELS, GATEWAYS = f"{API}/me/channels/{ID.format('channel_id')}", f"{API}/fleet/gateways/{CODE}"
APPLICATIONS = f"installations/{ID.format('application_id')}"
HOMES, BATCHES = f"households/{ID.format('household_id')}", f"imports/{ID.format('number')}"
UPLOADS = "/imports/<any(households, complexes, history):kind>/<string(length=64):sha256>"
RUN = {"month": TODAY[:7], "code": "@complex.code"}
RUNS, STATEMENTS = f"billing/<string(length=7):month>/{CODE}", "billing/statements/<string(maxlength=80):number>"
FEES = f"billing/fees/{CODE}"
LAYOUT = {"columns": [{"field": name, "title": name} for name in ("number", "total")], "format": "csv"}
PAYER_CLASS = {"payer_class": "general", "first_month": TODAY[:7], "reason": "walk"}
BILLED = f"billing/complexes/{CODE}/months/<string(maxlength=10):month>"
CAUSES = ("old", "voided", "held", "doubtful", "no_tariff")
OBJECTION = {"line": "1", "words": "walk"}
DISPUTE, ESTIMATE = {"dispute_id": "@dispute.id"}, {"estimate_id": "@estimate.id"}
DISPUTES, ESTIMATES = f"billing/disputes/{ID.format('dispute_id')}", f"billing/estimates/{ID.format('estimate_id')}"
MONTH, BOARD = {"month": TODAY[:7]}, "billing/<string(length=7):month>"
WARNINGS = ("doubtful", "faulty", "gone", "no_tariff", "quarantined", "silent", "undecided")
PAYMENT, PAYMENTS = {"payment_id": "@payment.id"}, f"billing/payments/{ID.format('payment_id')}"
KEPT = {"sha256": "@import_upload.sha256"}
FAULT_PAGE = f"faults/{ID.format('fault_id')}"
LOGIN = "people/<string(maxlength=64):login>"

PAGES: dict[tuple[str, str], tuple[Call, ...]] = {
    ("GET", "/"): (PLAIN,),
    ("GET", "/live"): (PLAIN,),
    ("GET", "/trend"): (PLAIN,),
    ("GET", "/volumes"): (PLAIN,),
    ("GET", "/volumes/dongs/<key>"): (Call({"key": "@dong.code"}),),
    ("GET", f"/volumes/complexes/{ID.format('key')}"): (Call({"key": "@complex.id"}),),
    ("GET", f"/volumes/households/{ID.format('key')}"): (Call({"key": "@household.id"}),),
    ("GET", "/complexes"): (PLAIN,),
    ("GET", "/gateways"): (PLAIN,),
    ("GET", f"/gateways/{CODE}"): (Call(GATEWAY),),
    ("POST", f"/gateways/{CODE}"): (
        *actions(GATEWAY, "claim_code", "rotate_key", "sync_cards", "roll_back"),
        *actions(GATEWAY, "revoke_key", fields={"key_id": "@gateway_key.key_id"}),
        *actions(GATEWAY, "open_lid", fields={"meter": "@meter.code"}),
        *actions(GATEWAY, "update", fields={"version": "@gateway_release.version"}),
    ),
    ("GET", "/enrolment"): (PLAIN,),
    ("POST", "/enrolment"): (
        Call(
            form={
                "card": "@unknown_touch.card_hash",
                "meter": "@meter.code",
                "building": "@building.name",
                "unit": "@household.unit",
            }
        ),
    ),
    ("GET", "/meters"): (PLAIN,),
    ("POST", "/meters"): (PLAIN,),
    ("GET", f"/meters/{CODE}"): (Call(METER),),
    ("POST", f"/meters/{CODE}"): actions(METER, "move", "retire", "certify", "withdraw"),
    ("GET", "/certificates"): (PLAIN,),
    ("GET", "/certificates.csv"): (PLAIN,),
    ("GET", "/reducers"): (PLAIN,),
    ("POST", "/reducers"): actions({}, "install", "retire"),
    ("GET", "/installations"): (PLAIN,),
    ("POST", "/installations"): (
        Call(
            form={
                "apply_complex": "@complex.code",
                "apply_kind": "meter",
                "apply_units": "2",
                "apply_households": "70",
                "apply_applicant": "walk",
                "apply_applied_on": TODAY,
            }
        ),
    ),
    ("POST", "/installations/targets"): (PLAIN,),
    ("GET", f"/{APPLICATIONS}"): (Call(APPLICATION),),
    ("POST", f"/{APPLICATIONS}"): (Call(APPLICATION),),
    ("GET", "/vendors"): (PLAIN,),
    ("POST", "/vendors"): (PLAIN,),
    ("GET", f"/vendors/{CODE}"): (Call(VENDOR),),
    ("POST", f"/vendors/{CODE}"): actions(VENDOR, "change"),
    ("GET", "/audit"): (PLAIN,),
    ("GET", "/people"): (PLAIN,),
    ("POST", "/people"): (PLAIN,),
    ("GET", f"/{LOGIN}"): (Call(PERSON),),
    ("POST", f"/{LOGIN}"): (
        *actions(PERSON, "disable", "enable", "end_sessions", "recover", "invite_again", "make_token"),
        *actions(PERSON, "change", fields={"name": "walk", "role": "viewer"}),
        *actions(PERSON, "revoke_token", fields={"token": "@api_token.name"}),
    ),
    ("GET", "/households"): (PLAIN,),
    ("POST", "/households"): (Call(form={"add_complex": "@complex.code", "add_building": "901", "add_unit": "101"}),),
    ("GET", f"/{HOMES}"): (Call(HOME),),
    ("POST", f"/{HOMES}"): (
        *actions(HOME, "move_in", "move_out", "change", "abandon", "come_back", "rename", "resident", "erase", "give"),
        *(
            call
            for done in ("lose", "reissue", "take_back", "block", "unblock")
            for call in actions(HOME, done, fields={f"{done}_card": "@card.id", f"{done}_reason": "walk"})
        ),
    ),
    ("POST", f"/{HOMES}/reveal"): (Call(HOME, form={"reason": "walk"}),),
    ("GET", "/faults"): (PLAIN,),
    ("GET", f"/{FAULT_PAGE}"): (Call(FAULT),),
    ("POST", f"/{FAULT_PAGE}"): (
        *actions(FAULT, "take", "note", "close", "class", fields={"note_note": "walk", "close_note": "walk"}),
        *actions(FAULT, "owner", "due", needs="fault:manage"),
    ),
    ("GET", "/faults/new"): (PLAIN,),
    ("POST", "/faults/new"): (Call(form={"meter": "@meter.code", "fault_class": "lock", "words": "walk"}),),
    ("GET", "/faults/rules"): (PLAIN,),
    ("POST", "/faults/rules"): actions({}, "duty", "rules"),
    ("GET", "/faults/statistics"): (PLAIN,),
    ("GET", "/faults/statistics.csv"): (PLAIN,),
    ("GET", "/vendor"): (PLAIN,),
    ("GET", "/imports"): (PLAIN,),
    ("POST", "/imports"): (PLAIN,),
    ("GET", UPLOADS): (Call(UPLOAD, personal=True),),
    ("POST", UPLOADS): (Call(UPLOAD, personal=True),),
    ("GET", f"{UPLOADS}.csv"): (Call(UPLOAD, personal=True),),
    ("GET", f"/{BATCHES}"): (Call(BATCH, made=True),),
    ("POST", f"/{BATCHES}/undo"): (Call(BATCH, made=True),),
    ("GET", f"/{RUNS}"): (Call(RUN),),
    ("POST", f"/{RUNS}/agree"): (Call(RUN),),
    ("POST", f"/{RUNS}/finalise"): (Call(RUN),),
    ("POST", f"/{RUNS}/preview"): (Call(RUN),),
    ("GET", "/billing/statements"): (PLAIN,),
    ("GET", f"/{STATEMENTS}"): (Call({"number": "@statement"}),),
    ("GET", f"/{STATEMENTS}/dispute"): (Call({"number": "@statement"}, query={"line": "1"}),),
    ("POST", f"/{STATEMENTS}/dispute"): (Call({"number": "@statement"}, form=OBJECTION),),
    ("GET", f"/{STATEMENTS}/void"): (Call({"number": "@statement"}),),
    ("POST", f"/{STATEMENTS}/void"): (Call({"number": "@statement"}, form={"reissue": "1", "reason": "walk"}),),
    ("GET", f"/{STATEMENTS}/print"): (Call({"number": "@statement"}),),
    ("GET", f"/{STATEMENTS}/pdf"): (Call({"number": "@statement"}),),
    ("GET", f"/{RUNS}/print"): (Call(RUN),),
    ("GET", f"/{RUNS}/pdf"): (Call(RUN),),
    ("GET", f"/{RUNS}/papers"): (Call(RUN),),
    ("GET", f"/{RUNS}/papers/pdf"): (Call(RUN),),
    ("GET", "/s/<string(maxlength=200):token>"): (Call({"token": "nobody's"}),),
    ("GET", f"/{FEES}"): (Call(COMPLEX_CODE),),
    ("GET", f"/{FEES}/<string(length=7):month>"): (Call(RUN),),
    ("POST", f"/{FEES}/<string(length=7):month>"): (Call(RUN),),
    ("GET", f"/{FEES}/<string(length=7):month>/file"): (Call(RUN),),
    ("POST", f"/{FEES}/<string(length=7):month>/check"): (Call(RUN),),
    ("GET", "/billing"): (PLAIN,),
    ("GET", f"/{BOARD}"): (Call(MONTH), Call(MONTH, query={"blocked": "1", "sort": "-won"})),
    ("POST", f"/{BOARD}/preview"): (Call(MONTH), Call(MONTH, form={"one": "@complex.code"})),
    ("POST", f"/{BOARD}/finalise"): (Call(MONTH), Call(MONTH, form={"one": "@complex.code"})),
    ("GET", f"/{BOARD}/warnings/<string(maxlength=20):kind>"): tuple(
        Call(MONTH | {"kind": kind}, query=query) for kind in WARNINGS for query in ({}, {"complex": "@complex.code"})
    ),
    ("GET", "/billing/payments"): (PLAIN, Call(query={"complex": "@complex.code"})),
    ("POST", "/billing/payments"): (Call(form={"statement": "@statement", "won": "5", "paid_on": TODAY}),),
    ("POST", "/billing/payments/files"): (PLAIN,),
    ("GET", "/billing/payments/files/<string(length=64):sha256>"): (Call(KEPT, personal=True),),
    ("POST", "/billing/payments/files/<string(length=64):sha256>"): (Call(KEPT, personal=True),),
    ("GET", f"/{PAYMENTS}"): (Call(PAYMENT),),
    ("POST", f"/{PAYMENTS}"): (Call(PAYMENT, form={"reason": "walk"}),),
    ("GET", f"/billing/payments/{HOMES}"): (Call(HOME),),
    ("GET", "/billing/arrears"): (PLAIN, Call(query={"complex": "@complex.code"})),
    ("GET", "/billing/arrears.csv"): (PLAIN, Call(query={"complex": "@complex.code"})),
    ("GET", "/billing/revenue"): (PLAIN, Call(query={"complex": "@complex.code"})),
    ("GET", "/billing/revenue.csv"): (PLAIN, Call(query={"complex": "@complex.code"})),
    ("GET", "/billing/late"): (PLAIN, *(Call(query={"cause": cause}) for cause in CAUSES)),
    ("POST", "/billing/late"): (Call(form={"decide": "2020-01.1.1.1", "decision": "bill", "reason": "walk"}),),
    ("GET", "/billing/adjustments"): (PLAIN, Call(query={"which": "all"})),
    ("POST", "/billing/adjustments"): (Call(form={"statement": "@statement", "won": "5", "reason": "walk"}),),
    ("GET", "/billing/disputes"): (PLAIN,),
    ("GET", f"/{DISPUTES}"): (Call(DISPUTE),),
    ("POST", f"/{DISPUTES}"): (
        *actions(DISPUTE, "note", "withdraw", "reopen"),
        *actions(DISPUTE, "decide", needs="billing:write"),
    ),
    ("GET", "/billing/estimates"): (PLAIN,),
    ("POST", "/billing/estimates"): (Call(form={"add_complex": "@complex.code", "add_reason": "walk"}),),
    ("GET", f"/{ESTIMATES}"): (Call(ESTIMATE),),
    ("POST", f"/{ESTIMATES}"): (Call(ESTIMATE),),
    ("GET", "/messages"): (PLAIN,),
    ("POST", f"/messages/{ID.format('message_id')}"): actions(MESSAGE, "again", "cancel"),
    ("GET", "/account"): (PLAIN,),
    ("POST", "/account"): (Call(form={"action": "contact"}),),
    ("GET", "/account/second-factor"): (PLAIN,),
    ("POST", "/account/second-factor"): (PLAIN,),
    ("GET", "/account/channels"): (PLAIN,),
    ("POST", "/account/channels"): (PLAIN,),
    ("POST", f"/account/channels/{ID.format('channel_id')}"): actions(
        CHANNEL, "prefer", "remove", "test", personal=True
    ),
    ("GET", "/account/messages"): (PLAIN,),
    ("POST", "/logout"): (PLAIN,),
    ("GET", "/billing/tariffs"): (PLAIN,),
    ("POST", "/billing/tariffs"): (Call(form={"tariff": "@tariff.id", "reason": "walk"}),),
    ("GET", "/billing/tariffs/new"): (PLAIN,),
    ("POST", "/billing/tariffs/new"): (PLAIN,),
    ("GET", "/billing/what-if"): (PLAIN, Call(query={"won_1": "140", "month": TODAY[:7]})),
    ("GET", "/billing/terms"): (PLAIN,),
    ("POST", "/billing/terms"): (PLAIN,),
    ("GET", f"/billing/terms/{CODE}"): (Call(COMPLEX_CODE),),
    ("POST", f"/billing/terms/{CODE}"): (Call(COMPLEX_CODE),),
    ("GET", "/billing/weights"): (PLAIN,),
    ("GET", "/billing/weights.csv"): (PLAIN,),
    ("POST", "/billing/weights"): (PLAIN,),
    ("GET", "/billing/classes"): (PLAIN,),
    ("POST", "/billing/classes"): (
        Call(form={"action": "set", "tenancy": "@tenancy.id", "first_month": "2030-01", "reason": "walk"}),
        *actions({}, "add", needs="billing:close"),
    ),
    ("GET", "/billing/limits"): (PLAIN,),
    ("POST", "/billing/limits"): (PLAIN,),
}
PUBLIC: dict[tuple[str, str], tuple[Call, ...]] = {
    ("GET", "/api/docs"): (PLAIN,),
    ("GET", f"{API}/openapi.json"): (PLAIN,),
    ("GET", f"{API}/time"): (PLAIN,),
    ("POST", f"{API}/gateways/claim"): (PLAIN,),
    ("GET", "/healthz"): (PLAIN,),
    ("GET", "/readyz"): (PLAIN,),
    ("GET", "/metrics"): (PLAIN,),
    ("GET", "/manual"): (PLAIN,),
    ("GET", "/manual/<role>"): (Call({"role": "manager"}),),
    ("GET", "/problems"): (PLAIN,),
    ("GET", "/problems/<slug>"): (Call({"slug": "not-found"}),),
    ("GET", "/language/<language>"): (Call({"language": "ko"}),),
    ("GET", "/static/<path:filename>"): (Call({"filename": "style.css"}),),
    ("GET", "/login"): (PLAIN,),
    ("POST", "/login"): (PLAIN,),
    ("GET", "/login/code"): (PLAIN,),
    ("POST", "/login/code"): (PLAIN,),
    ("GET", "/login/second-factor"): (PLAIN,),
    ("POST", "/login/second-factor"): (PLAIN,),
    ("GET", "/invitation/<string(length=43):token>"): (Call({"token": "x" * 43}),),
    ("POST", "/invitation/<string(length=43):token>"): (Call({"token": "x" * 43}),),
}
BOXES: dict[tuple[str, str], tuple[Call, ...]] = {
    ("GET", f"{API}/gateways/<gateway>/cards"): (Call(BOX),),
    ("POST", f"{API}/gateways/<gateway>/discharges"): (Call(BOX),),
    ("POST", f"{API}/gateways/<gateway>/keys"): (Call(BOX),),
    ("POST", f"{API}/gateways/<gateway>/status"): (Call(BOX),),
    ("GET", f"{API}/gateways/<gateway>/releases/<version>"): (Call(BOX | {"version": "@gateway_release.version"}),),
}
PROGRAMS: dict[tuple[str, str], tuple[Call, ...]] = {
    ("GET", f"{API}/audit"): (PLAIN,),
    ("GET", f"{API}/quarantine"): (PLAIN,),
    ("POST", f"{API}/quarantine/{ID.format('quarantine_id')}/release"): (Call(QUARANTINED),),
    ("POST", f"{API}/quarantine/{ID.format('quarantine_id')}/discard"): (Call(QUARANTINED),),
    ("GET", f"{API}/discharges/<number>"): (Call({"number": "@number"}),),
    ("POST", f"{API}/discharges/<number>/corrections"): (Call({"number": "@number"}),),
    ("GET", f"{API}/cards/<card_hash>/suspense"): (Call({"card_hash": "00" * 16}),),
    ("POST", f"{API}/cards/<card_hash>/suspense"): (
        Call({"card_hash": "00" * 16}, json={"household_id": "@household.id"}),
    ),
    ("GET", f"{API}/complexes"): (PLAIN,),
    ("GET", f"{API}/complexes/{ID.format('place')}/volumes"): (Call(COMPLEX),),
    ("GET", f"{API}/households/{ID.format('place')}/volumes"): (Call(HOUSEHOLD),),
    ("GET", f"{API}/dongs"): (PLAIN,),
    ("GET", f"{API}/dongs/<place>/volumes"): (Call({"place": "@dong.code"}),),
    ("GET", f"{API}/districts/<place>/volumes"): (Call({"place": "@district.code"}),),
    ("GET", f"{API}/touches"): (PLAIN,),
    ("POST", f"{API}/enrolments"): (
        Call(json={"card_hash": "@unknown_touch.card_hash", "household_id": "@household.id"}),
    ),
    ("GET", f"{API}/fleet/gateways"): (PLAIN,),
    ("GET", f"{API}/fleet/summary"): (PLAIN,),
    ("GET", f"{API}/fleet/releases"): (PLAIN,),
    ("GET", f"{API}/fleet/display-rates"): (PLAIN,),
    ("POST", f"{API}/fleet/display-rates"): (PLAIN,),
    ("GET", GATEWAYS): (Call(GATEWAY),),
    ("GET", f"{GATEWAYS}/events"): (Call(GATEWAY),),
    ("POST", f"{GATEWAYS}/claim-codes"): (Call(GATEWAY),),
    ("POST", f"{GATEWAYS}/commands"): (Call(GATEWAY, json={"kind": "sync_cards"}),),
    ("POST", f"{GATEWAYS}/revocations"): (Call(GATEWAY, json={"key_id": "@gateway_key.key_id"}),),
    ("GET", f"{API}/faults"): (PLAIN,),
    ("POST", f"{API}/faults"): (Call(json={"meter": "@meter.code"}),),
    ("GET", f"{API}/faults/counts"): (PLAIN,),
    ("GET", f"{API}/faults/statistics"): (PLAIN,),
    ("GET", f"{API}/faults/rules"): (PLAIN,),
    ("POST", f"{API}/faults/rules"): (PLAIN,),
    ("GET", f"{API}/faults/duties"): (PLAIN,),
    ("POST", f"{API}/faults/duties"): (PLAIN,),
    ("DELETE", f"{API}/faults/duties/{ID.format('duty_id')}"): (Call({"duty_id": "@fault_duty.id"}),),
    ("GET", FAULTS): (Call(FAULT),),
    ("POST", f"{FAULTS}/class"): (Call(FAULT),),
    ("POST", f"{FAULTS}/closing"): (Call(FAULT),),
    ("POST", f"{FAULTS}/due"): (Call(FAULT),),
    ("POST", f"{FAULTS}/notes"): (Call(FAULT),),
    ("POST", f"{FAULTS}/owner"): (Call(FAULT),),
    ("POST", f"{FAULTS}/taking"): (Call(FAULT),),
    ("GET", f"{API}/incidents"): (PLAIN,),
    ("GET", f"{API}/incidents/<int(max=2147483646):incident_id>"): (Call(INCIDENT),),
    ("GET", f"{API}/me/channels"): (PLAIN,),
    ("POST", f"{API}/me/channels"): (PLAIN,),
    ("PUT", CHANNELS): (Call(CHANNEL, json={"kind": "email", "address": "walk@example.kr"}, personal=True),),
    ("DELETE", CHANNELS): (Call(CHANNEL, personal=True),),
    ("POST", f"{CHANNELS}/preferences"): (Call(CHANNEL, personal=True),),
    ("POST", f"{CHANNELS}/tests"): (Call(CHANNEL, personal=True),),
    ("GET", f"{API}/me/messages"): (PLAIN,),
    ("GET", f"{API}/messages"): (PLAIN,),
    ("POST", f"{API}/messages/{ID.format('message_id')}/cancellations"): (Call(MESSAGE),),
    ("POST", f"{API}/messages/{ID.format('message_id')}/sendings"): (Call(MESSAGE),),
    ("GET", f"{API}/meters"): (PLAIN,),
    ("POST", f"{API}/meters"): (Call(json={"complex": "@complex.code", "gateway": "@gateway.code"}),),
    ("GET", f"{API}/meters/{CODE}"): (Call(METER),),
    ("POST", f"{API}/meters/{CODE}/moves"): (
        Call(METER, json={"complex": "@complex.code", "gateway": "@gateway.code"}),
    ),
    ("POST", f"{API}/meters/{CODE}/retirement"): (Call(METER),),
    ("GET", f"{API}/certificates"): (PLAIN,),
    ("POST", f"{API}/certificates"): (Call(json={"meter": "@meter.code"}),),
    ("POST", f"{CERTIFICATES}/withdrawal"): (Call(CERTIFICATE),),
    ("GET", f"{API}/reducers"): (PLAIN,),
    ("POST", f"{API}/reducers"): (Call(json={"complex": "@complex.code"}),),
    ("POST", f"{API}/reducers/{CODE}/retirement"): (Call(REDUCER),),
    ("GET", f"{API}/installations"): (PLAIN,),
    ("POST", f"{API}/installations"): (Call(json={"complex": "@complex.code"}),),
    ("GET", f"{API}/installations/table"): (PLAIN,),
    ("POST", f"{API}/installations/counts"): (PLAIN,),
    ("POST", f"{API}/installations/targets"): (PLAIN,),
    ("GET", f"{API}/{APPLICATIONS}"): (Call(APPLICATION),),
    ("POST", f"{API}/{APPLICATIONS}/steps"): (Call(APPLICATION),),
    ("GET", f"{API}/households"): (PLAIN,),
    ("POST", f"{API}/households"): (Call(json={"complex": "@complex.code"}),),
    ("GET", f"{API}/{HOMES}"): (Call(HOME),),
    ("POST", f"{API}/{HOMES}/abandoned"): (Call(HOME),),
    ("DELETE", f"{API}/{HOMES}/abandoned"): (Call(HOME),),
    ("POST", f"{API}/{HOMES}/cards"): (Call(HOME, json={"card_hash": TOUCHED}),),
    **{
        ("POST", f"{API}/{HOMES}/cards/{ID.format('card_id')}/{done}"): (
            Call(CARD, json={"card_hash": TOUCHED} if done == "reissue" else None),
        )
        for done in ("block", "lost", "reissue", "return", "unblock")
    },
    **{
        ("POST", f"{API}/{HOMES}/{done}"): (Call(HOME),)
        for done in ("change-of-tenant", "move-in", "move-out", "reveal")
    },
    ("PUT", f"{API}/{HOMES}/place"): (Call(HOME),),
    ("PUT", f"{API}/{HOMES}/resident"): (Call(HOME),),
    ("GET", f"{API}/imports"): (PLAIN,),
    ("POST", f"{API}/imports"): (PLAIN,),
    ("GET", f"{API}/{BATCHES}"): (Call(BATCH, made=True),),
    ("POST", f"{API}/{BATCHES}/undo"): (Call(BATCH, made=True),),
    ("GET", f"{API}/me"): (PLAIN,),
    ("GET", f"{API}/people"): (PLAIN,),
    ("POST", f"{API}/people"): (PLAIN,),
    ("GET", f"{API}/{LOGIN}"): (Call(PERSON),),
    ("PUT", f"{API}/{LOGIN}"): (Call(PERSON),),
    **{
        ("POST", f"{API}/{LOGIN}/{done}"): (Call(PERSON),)
        for done in ("disable", "enable", "invitations", "recoveries")
    },
    ("GET", f"{API}/{LOGIN}/sessions"): (Call(PERSON),),
    ("DELETE", f"{API}/{LOGIN}/sessions"): (Call(PERSON),),
    ("GET", f"{API}/{LOGIN}/tokens"): (Call(PERSON),),
    ("POST", f"{API}/{LOGIN}/tokens"): (Call(PERSON, json={"scopes": ["fleet:read"]}),),
    ("DELETE", f"{API}/{LOGIN}/tokens/<string(maxlength=60):name>"): (Call(PERSON | {"name": "@api_token.name"}),),
    ("GET", f"{API}/vendors"): (PLAIN,),
    ("POST", f"{API}/vendors"): (PLAIN,),
    ("GET", f"{API}/vendors/{CODE}"): (Call(VENDOR),),
    ("PATCH", f"{API}/vendors/{CODE}"): (Call(VENDOR),),
    ("POST", f"{API}/vendors/{CODE}/end"): (Call(VENDOR),),
    ("GET", f"{API}/billing/adjustments"): (PLAIN, Call(query={"which": "all"})),
    ("POST", f"{API}/billing/adjustments"): (Call(json={"statement": "@statement", "won": 5}),),
    ("GET", f"{API}/{STATEMENTS}/reissue"): (Call({"number": "@statement"}),),
    ("POST", f"{API}/{STATEMENTS}/void"): (Call({"number": "@statement"}),),
    ("GET", f"{API}/billing/months"): (PLAIN,),
    ("POST", f"{API}/billing/months/<string(maxlength=10):month>/preview"): (Call({"month": TODAY[:7]}),),
    ("POST", f"{API}/billing/months/<string(maxlength=10):month>/finalise"): (Call({"month": TODAY[:7]}),),
    ("GET", f"{API}/billing/months/<string(maxlength=10):month>/verify"): (Call({"month": TODAY[:7]}),),
    ("GET", f"{API}/{BILLED}"): (Call(RUN),),
    ("POST", f"{API}/{BILLED}/review"): (Call(RUN),),
    ("GET", f"{API}/{BILLED}/statements"): (Call(RUN),),
    ("GET", f"{API}/{STATEMENTS}"): (Call({"number": "@statement"}),),
    ("GET", f"{API}/{STATEMENTS}/days"): (Call({"number": "@statement"}),),
    ("GET", f"{API}/{BILLED}/fees"): (Call(RUN),),
    ("POST", f"{API}/{BILLED}/fees/check"): (Call(RUN, form={"name": "none"}, multipart=True),),
    ("GET", f"{API}/billing/complexes/{CODE}/fee-layout"): (Call(COMPLEX_CODE),),
    ("PUT", f"{API}/billing/complexes/{CODE}/fee-layout"): (Call(COMPLEX_CODE, json=LAYOUT),),
    ("GET", f"{API}/billing/months/<string(maxlength=10):month>/board"): (Call(MONTH),),
    ("GET", f"{API}/billing/months/<string(maxlength=10):month>/warnings/<string(maxlength=20):kind>"): tuple(
        Call(MONTH | {"kind": kind}, query=query) for kind in WARNINGS for query in ({}, {"complex": "@complex.code"})
    ),
    ("GET", f"{API}/billing/payments"): (PLAIN, Call(query={"complex": "@complex.code"})),
    ("POST", f"{API}/billing/payments"): (Call(json={"statement": "@statement", "won": 5, "paid_on": TODAY}),),
    ("POST", f"{API}/billing/payments/files"): (PLAIN,),
    ("GET", f"{API}/{PAYMENTS}"): (Call(PAYMENT),),
    ("POST", f"{API}/{PAYMENTS}/reversal"): (Call(PAYMENT),),
    ("GET", f"{API}/billing/arrears"): (PLAIN, Call(query={"complex": "@complex.code"})),
    ("GET", f"{API}/billing/balances"): (PLAIN,),
    ("GET", f"{API}/billing/{HOMES}/account"): (Call(HOME),),
    ("GET", f"{API}/billing/revenue"): (PLAIN, Call(query={"complex": "@complex.code"})),
    ("GET", f"{API}/billing/late"): (PLAIN, *(Call(query={"cause": cause}) for cause in CAUSES)),
    ("GET", f"{API}/billing/late/sums"): (PLAIN,),
    ("POST", f"{API}/billing/late/decisions"): (Call(json={"tenancy_id": "@tenancy.id", "usage_month": TODAY}),),
    ("GET", f"{API}/billing/disputes"): (PLAIN, Call(query={"which": "all"})),
    ("POST", f"{API}/billing/disputes"): (Call(json={"statement": "@statement", "line": 1}),),
    ("GET", f"{API}/billing/disputes/counts"): (PLAIN,),
    ("GET", f"{API}/{DISPUTES}"): (Call(DISPUTE),),
    ("GET", f"{API}/{DISPUTES}/evidence"): (Call(DISPUTE),),
    ("POST", f"{API}/{DISPUTES}/decision"): (Call(DISPUTE),),
    ("POST", f"{API}/{DISPUTES}/notes"): (Call(DISPUTE),),
    ("POST", f"{API}/{DISPUTES}/reopening"): (Call(DISPUTE),),
    ("POST", f"{API}/{DISPUTES}/withdrawal"): (Call(DISPUTE),),
    ("GET", f"{API}/billing/estimates"): (PLAIN, Call(query={"which": "all"})),
    ("POST", f"{API}/billing/estimates"): (Call(json={"complex": "@complex.code"}),),
    ("GET", f"{API}/billing/estimates/suggestions"): (Call(query={"month": TODAY}),),
    ("GET", f"{API}/{ESTIMATES}"): (Call(ESTIMATE),),
    ("GET", f"{API}/{ESTIMATES}/shares"): (Call(ESTIMATE),),
    ("POST", f"{API}/{ESTIMATES}/settlement"): (Call(ESTIMATE),),
    ("GET", f"{API}/billing/tariffs"): (PLAIN,),
    ("POST", f"{API}/billing/tariffs"): (PLAIN,),
    ("POST", f"{API}/billing/tariffs/{ID.format('tariff_id')}/withdrawal"): (Call({"tariff_id": "@tariff.id"}),),
    ("GET", f"{API}/billing/payer-classes"): (PLAIN,),
    ("POST", f"{API}/billing/payer-classes"): (PLAIN,),
    ("GET", f"{API}/billing/{HOMES}/classes"): (Call(HOME),),
    ("POST", f"{API}/billing/{HOMES}/classes"): (Call(HOME, json=PAYER_CLASS),),
    ("GET", f"{API}/billing/terms"): (PLAIN,),
    ("POST", f"{API}/billing/terms"): (Call(json={"complexes": ["@complex.code"]}),),
    ("GET", f"{API}/billing/weights"): (PLAIN,),
    ("POST", f"{API}/billing/weights"): (PLAIN,),
    ("GET", f"{API}/billing/limits"): (PLAIN,),
    ("PUT", f"{API}/billing/limits"): (PLAIN,),
    ("GET", f"{API}/billing/what-if"): (Call(query={"won_per_kg": "140", "month": TODAY[:7]}),),
}
ROUTES = PAGES | PUBLIC | BOXES | PROGRAMS
