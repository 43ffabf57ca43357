"""Who somebody is, as administrators say it: name, role, contact, and by their codes what they see."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.access.models import Account, AccountComplex
from app.access.rules import ROLES
from app.texts import Refused, Text

LONGEST = {"name": 100, "email": 200, "phone": 40}
PERSONAL = tuple(LONGEST)

# Access lies below the registry; this is all it has to know of a complex and of a vendor.
complexes = sa.table("complex", *(sa.column(name) for name in ("district_id", "id", "code", "name")))
vendors = sa.table("vendor", *(sa.column(name) for name in ("district_id", "id", "code", "name")))

POOR_CONTACT = Text(
    "이름은 {name}자, 전자우편 주소는 {email}자, 전화번호는 {phone}자까지 한 줄로 입력하십시오.",
    "Write a name of up to {name} characters, an e-mail address of {email}, a telephone number of {phone}, "
    "each in one line.",
)
NO_COMPLEX = Text(
    "단지 코드 {codes}이(가) 등록되어 있지 않습니다. 코드를 확인하십시오.",
    "No complex has the code {codes}. Check the code.",
)
NO_VENDOR = Text(
    "업체 코드 {code}이(가) 등록되어 있지 않습니다. 코드를 확인하십시오.",
    "No vendor has the code {code}. Check the code.",
)
NEEDS_COMPLEX = Text(
    "이 역할에는 단지가 하나 이상 필요합니다. 단지 코드를 입력하십시오.",
    "This role needs one complex at least. Enter its code.",
)
NEEDS_VENDOR = Text(
    "업체 역할에는 업체 코드가 필요합니다. 업체 코드를 입력하십시오.",
    "The role of a vendor needs one. Enter its code.",
)
SOME_OR_ALL = Text(
    "단지를 하나 이상 입력하거나 모든 단지를 고르십시오. 둘 다는 쓸 수 없습니다.",
    "Enter complexes or choose all of them, one of both.",
)
NO_COMPLEXES = Text(
    "이 역할에는 단지를 정하지 않습니다. 단지를 비우십시오.", "This role has no complexes of its own. Leave them empty."
)
ONLY_VENDOR = Text(
    "업체 코드는 업체 역할에만 씁니다. 역할이나 업체를 고치십시오.",
    "Only the role of a vendor has one. Correct the role or the vendor.",
)


class Profile(NamedTuple):
    """What an administrator says of a person; complexes and the vendor by their codes."""

    name: str
    role: str
    email: str | None = None
    phone: str | None = None
    complexes: tuple[str, ...] = ()
    vendor: str | None = None
    all_complexes: bool = False


def profile_of(session: Session, account: Account) -> Profile:
    """What is known of a person, as an administrator would say it."""
    place = sa.and_(complexes.c.district_id == AccountComplex.district_id, complexes.c.id == AccountComplex.complex_id)
    mine = (AccountComplex.district_id == account.district_id, AccountComplex.account_id == account.id)
    codes = sa.select(complexes.c.code).join(AccountComplex, place).where(*mine).order_by(complexes.c.code)
    vendor = sa.select(vendors.c.code).where(
        vendors.c.district_id == account.district_id, vendors.c.id == account.vendor_id
    )
    return Profile(
        *(account.name, account.role, account.email, account.phone, tuple(session.scalars(codes))),
        *(session.scalar(vendor), account.all_complexes),
    )


def reach_of(session: Session, district_id: int, profile: Profile) -> tuple[dict[str, int], int | None]:
    """The ids of a profile's complexes by code, and of its vendor; raises Refused where they do not fit the role."""
    check_contact(profile.name, profile.email, profile.phone)
    _refuse_misfit(profile)
    found = _ids(session, district_id, complexes, profile.complexes)
    if unknown := sorted(set(profile.complexes) - set(found)):
        raise Refused(NO_COMPLEX.fill(codes=", ".join(unknown)))
    if profile.vendor is None:
        return found, None
    vendor = _ids(session, district_id, vendors, [profile.vendor])
    if not vendor:
        raise Refused(NO_VENDOR.fill(code=profile.vendor))
    return found, vendor[profile.vendor]


def check_contact(name: str, email: str | None, phone: str | None) -> None:
    """Raise Refused for what is no line of the usual length: others read names in their messages."""
    for value, most in zip((name, email, phone), LONGEST.values(), strict=True):
        if value and (len(value) > most or value.splitlines() != [value]):
            raise Refused(POOR_CONTACT.fill(**LONGEST))


def _refuse_misfit(profile: Profile) -> None:
    reaches, some = ROLES[profile.role].reaches, bool(profile.complexes)
    if "vendor" in reaches and profile.vendor is None:
        raise Refused(NEEDS_VENDOR)
    if "vendor" not in reaches and profile.vendor is not None:
        raise Refused(ONLY_VENDOR)
    if "complex" not in reaches and (some or profile.all_complexes):
        raise Refused(NO_COMPLEXES)
    if reaches == ("complex",) and (not some or profile.all_complexes):
        raise Refused(NEEDS_COMPLEX)
    if {"district", "complex"} <= set(reaches) and some == profile.all_complexes:
        raise Refused(SOME_OR_ALL)


def _ids(session: Session, district_id: int, table: Any, codes: Iterable[str]) -> dict[str, int]:
    wanted = sa.select(table.c.code, table.c.id).where(table.c.district_id == district_id, table.c.code.in_(codes))
    return {code: id_ for code, id_ in session.execute(wanted)}  # noqa: C416 - rows are no pairs to mypy


def give_complexes(session: Session, account: Account, complex_ids: Iterable[int]) -> None:
    """Let an account see these complexes and no others."""
    mine = (AccountComplex.district_id == account.district_id, AccountComplex.account_id == account.id)
    session.execute(sa.delete(AccountComplex).where(*mine))
    for complex_id in complex_ids:
        session.add(AccountComplex(district_id=account.district_id, account_id=account.id, complex_id=complex_id))
    session.flush()


def differences(before: Profile, after: Profile) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs, as the audit log may hold it: before and after."""
    old, new = before._asdict(), after._asdict()
    differ = [name for name in old if old[name] != new[name]]
    return told_of({name: old[name] for name in differ}), told_of({name: new[name] for name in differ})


def told_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as the audit log may hold them: those that say something, personal ones by their first character."""
    told = {name: value for name, value in fields.items() if value not in (None, (), False)}
    return {name: f"{value[0]}***" if name in PERSONAL else value for name, value in told.items()}
