"""Which district a command means."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.registry.models import District
from app.registry.service import district_by_code
from app.texts import Refused, Text

NO_DISTRICT = Text(
    "아직 등록된 자치구가 없습니다. 단지를 먼저 가져오세요: jongnyang import complexes FILE",
    "No district is registered yet. Import its complexes first: jongnyang import complexes FILE",
)
UNKNOWN = Text(
    "등록되지 않은 자치구 코드입니다: {code}. 등록된 코드: {known}.",
    "No district has the code {code}. Registered: {known}.",
)
WHICH = Text(
    "자치구가 여럿입니다: {known}. --district CODE로 하나를 지정하세요.",
    "There are several districts: {known}. Name one with --district CODE.",
)


def the_district(session: Session, code: str | None) -> District:
    """The district with this code; without a code the only one. Raises Refused where neither can be had."""
    found = district_by_code(session, code) if code else None
    if found:
        return found
    districts = session.scalars(sa.select(District).order_by(District.code)).all()
    if not districts:
        raise Refused(NO_DISTRICT)
    known = ", ".join(district.code for district in districts)
    if code:
        raise Refused(UNKNOWN.fill(code=code, known=known))
    if len(districts) > 1:
        raise Refused(WHICH.fill(known=known))
    return districts[0]
