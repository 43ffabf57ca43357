"""Errors as RFC 9457 problems, in the reader's language. Each has its page under /problems/SLUG."""

from typing import Any, NamedTuple

from flask import Response, request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from msgspec import json
from werkzeug.exceptions import HTTPException


class Kind(NamedTuple):
    """A sort of problem: HTTP status, what happened, and what to do."""

    status: int
    title: LazyString
    detail: LazyString


KINDS = {
    "signature-missing": Kind(
        401,
        _l("The request is not signed."),
        _l("Sign method, target and Content-Digest with the gateway's key (RFC 9421 HTTP Message Signatures)."),
    ),
    "signature-wrong": Kind(
        401,
        _l("The signature does not fit the request."),
        _l("Check that the gateway uses the secret of this key and that nothing changes the body on the way."),
    ),
    "key-unknown": Kind(
        401, _l("The key is not known."), _l("Claim the gateway with a new code from the district office.")
    ),
    "key-revoked": Kind(
        401, _l("The key has been revoked."), _l("Claim the gateway with a new code from the district office.")
    ),
    "key-retiring": Kind(
        403,
        _l("The key's successor is in use: it fetches no other key."),
        _l("Sign with the newer key. Where that is lost, claim the gateway with a new code from the district office."),
    ),
    "clock-skew": Kind(
        401,
        _l("The signature's time is more than five minutes off."),
        _l("Take server_time from this answer and sign once more."),
    ),
    "nonce-replayed": Kind(
        401,
        _l("The request was already received."),
        _l("Sign it anew with a fresh nonce; the records stay as they are."),
    ),
    "other-gateway": Kind(403, _l("The key belongs to another gateway."), _l("Post to the gateway's own address.")),
    "broken-json": Kind(
        400, _l("The body is not JSON."), _l("Keep the records, and check the gateway's software version.")
    ),
    "broken-envelope": Kind(
        400,
        _l("The envelope of the batch is not as documented."),
        _l("Keep the records, and compare the message with docs/gateway-api.md."),
    ),
    "unknown-schema": Kind(
        400,
        _l("The schema number is not known."),
        _l("This server reads schema 1. Keep the records and update one of both."),
    ),
    "broken-gzip": Kind(400, _l("The body cannot be decompressed."), _l("Send it again, or without Content-Encoding.")),
    "body-too-large": Kind(
        413,
        _l("The body is larger than allowed."),
        _l("Send fewer records at once: 500 at most, 2 MiB after decompression."),
    ),
    "claim-refused": Kind(
        403,
        _l("The claim code is wrong, used or expired."),
        _l("Ask the district office for a new code; each works once and for 24 hours."),
    ),
    "not-authenticated": Kind(
        401, _l("You are not logged in."), _l("Log in, or send a valid API token as a bearer token.")
    ),
    "not-allowed": Kind(
        403, _l("You may not do this."), _l("Ask an administrator for the permission named in “scope”.")
    ),
    "not-yours": Kind(
        403,
        _l("This looks at the whole district, and your account does not."),
        _l("Open your complexes or your vendor from the menu, or ask an administrator for a wider role."),
    ),
    "form-expired": Kind(
        400, _l("The form has expired."), _l("Nothing was changed. Reload the page and send the form once more.")
    ),
    "not-found": Kind(404, _l("There is nothing here."), _l("Check the address or the number.")),
    "method-not-allowed": Kind(405, _l("This address does not do that."), _l("Use one of the methods in “Allow”.")),
    "invalid": Kind(422, _l("The request cannot be used as it is."), _l("See “errors” for each field and correct it.")),
    "media-type": Kind(
        415,
        _l("The body is of a kind that is not read here."),
        _l("Send it as one of the kinds in “accepted”, and name that in Content-Type."),
    ),
    "already-decided": Kind(
        409, _l("This record has been decided about already."), _l("Read the decision; it cannot be changed.")
    ),
    "cannot-release": Kind(
        409,
        _l("The record still cannot be booked."),
        _l("Correct the registry first, or discard the record with a note. The reason stands in “code”."),
    ),
    "nothing-changes": Kind(
        409, _l("This changes nothing."), _l("Reload it; somebody may have done the same already.")
    ),
    "card-taken": Kind(
        409, _l("The card is somebody's already."), _l("Look the card up by its number, and end what it is used for.")
    ),
    "card-blocked": Kind(409, _l("The card is blocked."), _l("Unblock it first, or use another card.")),
    "household-empty": Kind(
        409,
        _l("Nobody lives there at that time."),
        _l("Check household and day: a card is given to who lives there, and people move out after they moved in."),
    ),
    "household-lived-in": Kind(
        409,
        _l("Somebody lives there at that time."),
        _l("Register their moving out first, or use “change of tenant”. Their moving in stands in “since”."),
    ),
    "household-exists": Kind(
        409,
        _l("The complex has a household of that building and unit already."),
        _l("Search for it by building and unit, and use that one."),
    ),
    "card-given-later": Kind(
        409,
        _l("A card was given to the household after that day."),
        _l("Check the day. If it is right, take the card back as of the day on which it was given (“given”) first."),
    ),
    "card-replaced": Kind(
        409,
        _l("Another card was issued in place of this one."),
        _l("It never opens again. Use the card that replaced it, or give a new one."),
    ),
    "import-refused": Kind(
        422,
        _l("The file cannot be used, and nothing was changed."),
        _l("See “errors”, correct the file and try again."),
    ),
    "undo-refused": Kind(
        409,
        _l("The import cannot be taken back, and nothing was changed."),
        _l("See “errors” for what stands in the way."),
    ),
    "no-such-household": Kind(
        404,
        _l("No household of this complex has that building and unit."),
        _l("Write both as the registry does, for example building 101 and unit 1203, or register the household first."),
    ),
    "message-settled": Kind(
        409,
        _l("The message is on its way, arrived, or is part of another one."),
        _l("Reload the list; only what failed, may not have arrived or was cancelled can be sent again."),
    ),
    "no-channel": Kind(
        409,
        _l("The person has no active channel to be reached by."),
        _l("Ask them to add one under “My channels”, then send the message again."),
    ),
    "code-taken": Kind(409, _l("This code is somebody's already."), _l("Look it up, or choose another code.")),
    "meter-elsewhere": Kind(
        409,
        _l("The meter stands somewhere at that time already."),
        _l("Open the meter: move it from where it stands, or take it away there first."),
    ),
    "meter-nowhere": Kind(
        409, _l("The meter stands nowhere."), _l("It was taken away. Install it where it is to stand now.")
    ),
    "meter-heard-since": Kind(
        409,
        _l("The meter was heard of where it stands after that time."),
        _l("What it weighed there stays there: date the change from “not_before” on."),
    ),
    "step-out-of-order": Kind(
        409,
        _l("This step does not follow the state in which the application is."),
        _l("Reload the application: somebody may have taken the step. What may follow stands in “next”."),
    ),
    "too-few-households": Kind(
        409,
        _l("The complex has fewer than 60 households."),
        _l("Say in the note why it is selected all the same, or reject it."),
    ),
    "release-exists": Kind(
        409,
        _l("This version was added with another file."),
        _l("A version is never replaced: give the new file a version of its own."),
    ),
    "fault-closed": Kind(
        409,
        _l("The fault is closed already."),
        _l("Read its history. What is still broken is reported as a new fault."),
    ),
    "fault-unchanged": Kind(
        409, _l("That changes nothing about the fault."), _l("Reload it; somebody may have done the same already.")
    ),
    "estimate-overlaps": Kind(
        409,
        _l("Another estimate of the complex covers some of these days."),
        _l("Settle it (its number and days stand beside this), or choose other days."),
    ),
    "estimate-settled": Kind(
        409, _l("The estimate is settled already."), _l("Read when and why; enter another one where days are missing.")
    ),
    "dispute-closed": Kind(
        409, _l("The objection is closed already."), _l("Read the decision. Reopen it where it was not right.")
    ),
    "dispute-not-closed": Kind(409, _l("The objection is open."), _l("Decide about it, or withdraw it.")),
    "line-disputed": Kind(
        409,
        _l("There is an open objection to this line."),
        _l("Add a note to that one; its number stands in “dispute”."),
    ),
    "statement-not-final": Kind(
        409,
        _l("The statement is a preview."),
        _l("Nothing is owed by it yet: say what is wrong before the review window ends, or object once it is final."),
    ),
    "statement-void": Kind(
        409,
        _l("The statement is void."),
        _l("Nothing is owed by it any more. Object to the statement that was issued anew, where there is one."),
    ),
    "month-closed": Kind(
        409,
        _l("This would change a month that is closed."),
        _l("What was billed stays. “earliest” is the first day from which it can hold."),
    ),
    "tariff-exists": Kind(
        409,
        _l("The tariffs of that day are other than you saw them."),
        _l("Somebody may have been faster. Reload them: “tariff” is the one in force that day; change it, if need be."),
    ),
    "no-tariff": Kind(
        409,
        _l("A day of the month has no tariff for a payer class."),
        _l("Enter a tariff for the class named in “payer_class” that begins on “day” or earlier, then preview again."),
    ),
    "already-final": Kind(
        409,
        _l("The month is closed for this complex."),
        _l("What was billed stays as it is. What changed since becomes an adjustment on the next statement."),
    ),
    "no-printing": Kind(
        503,
        _l("This machine cannot make a PDF."),
        _l("Install Debian's libpangoft2-1.0-0, libharfbuzz-subset0 and fonts-nanum, or print the page instead."),
    ),
    "no-preview": Kind(
        409, _l("There is no preview of this month."), _l("Preview the month of this complex first, then close it.")
    ),
    "month-not-over": Kind(
        409,
        _l("The preview was made before the month was over."),
        _l("Preview again once the month has ended, then close it."),
    ),
    "preview-outdated": Kind(
        409,
        _l("Something that the preview follows from has changed since."),
        _l("Preview again: tariffs, terms, or another month of this complex were changed. Then close it."),
    ),
    "preview-changed": Kind(
        409,
        _l("The preview, or what can be closed, has changed since you opened the page."),
        _l("Look at the amounts as they are now, and decide again."),
    ),
    "review-open": Kind(
        409,
        _l("The review of this preview is not over."),
        _l("Wait until the review is over, let a manager agree to the preview, or give a reason to close earlier."),
    ),
    "review-of-managers": Kind(
        409,
        _l("The managers of the complex agree to its preview, not the district."),
        _l("Wait until the review is over, or close the month before and say why."),
    ),
    "papers-too-many": Kind(
        422,
        _l("There are too many statements for one PDF."),
        _l("Choose a building, or print the page itself: a browser saves it as PDF, too."),
    ),
    "printing-busy": Kind(503, _l("Another document is being laid out."), _l("Try again in half a minute.")),
    "booked-already": Kind(
        409,
        _l("The same was booked a moment ago."),
        _l("Look at the list. If it is really another one, say so in its reason, or give it a receipt."),
    ),
    "credit-too-large": Kind(
        409,
        _l("More would be credited than is billed for that month."),
        _l(
            "“billed_won” is what is left of it, earlier credits taken off. Credit that at most, or take a credit back."
        ),
    ),
    "nothing-waits": Kind(
        409,
        _l("No usage of this household and month waits for a decision."),
        _l("Reload the queue: it was decided or billed already, or the next run takes it by itself."),
    ),
    "payment-known": Kind(
        409,
        _l("A payment with this receipt is booked already."),
        _l("The same receipt counts once. Look it up by “reference”, or leave the receipt out if it is another."),
    ),
    "payment-reversed": Kind(
        409,
        _l("The payment was taken back already, or takes back another one."),
        _l("Reload it; “payment” is the other one. Enter what was really paid as a new payment."),
    ),
    "too-many-requests": Kind(
        429, _l("Too many attempts."), _l("Wait a while, as long as Retry-After says, and try again.")
    ),
    "unavailable": Kind(
        503, _l("The database cannot take records right now."), _l("Keep them and try again after Retry-After.")
    ),
    "internal": Kind(
        500, _l("Something went wrong here."), _l("Nothing was booked. Tell the operator the request_id.")
    ),
}

# How Flask's own refusals are called.
HTTP_SLUGS = {
    401: "not-authenticated",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    429: "too-many-requests",
}


class Problem(Exception):
    """Raise it anywhere in a request; `extra` joins the answer's members, `detail` replaces the general advice."""

    def __init__(self, slug: str, *, detail: str | None = None, retry_after: int | None = None, **extra: Any) -> None:
        super().__init__(slug)
        self.slug = slug
        self.kind = KINDS[slug]
        self.detail = detail
        self.retry_after = retry_after
        self.extra = extra

    def response(self) -> Response:
        """The problem as `application/problem+json`."""
        body = {
            "type": f"/problems/{self.slug}",
            "title": str(self.kind.title),
            "status": self.kind.status,
            "detail": self.detail or str(self.kind.detail),
            "instance": request.path,
            **self.extra,
        }
        answer = Response(json.encode(body, enc_hook=str), self.kind.status, content_type="application/problem+json")
        if self.retry_after is not None:
            answer.headers["Retry-After"] = str(self.retry_after)
        if self.kind.status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer


def from_http_exception(error: HTTPException) -> Response:
    """What Flask itself refuses (404, 405, 413 …) as a problem of the same form."""
    code = error.code or 500
    if code in HTTP_SLUGS:
        answer = Problem(HTTP_SLUGS[code]).response()
    else:
        body = {"type": "about:blank", "title": error.name, "status": code, "detail": error.description}
        answer = Response(json.encode(body, enc_hook=str), code, content_type="application/problem+json")
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Range"):
            answer.headers[name] = value
    return answer
