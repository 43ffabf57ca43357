"""Fee files as people bring them back, with what the audit log says about it."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.access import audit
from app.registry.imports.sheets import File
from app.reports.fees import checking
from app.reports.fees.checking import Report
from app.reports.fees.rows import Fees


def bring_back(session: Session, fees: Fees, file: File, actor: str, now: datetime) -> Report:
    """Hold a file against the statements, and book that somebody did. Raises Refused for what is no such file."""
    report = checking.check(fees, file)
    said = {"sha256": file.sha256, "rows": report.rows, "count": report.count}
    entry = audit.Entry("fee_file.checked", "run", fees.number, fees.number, None, said, complex_id=fees.place.id)
    audit.book(session, fees.place.district_id, entry, actor, now)
    return report
