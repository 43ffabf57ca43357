"""What was paid at the bin when it was thrown away: nobody owes it, whichever statement tells of it."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.statements.models import StatementLine, StatementRun


def at_the_bin(district_id: int, *columns: Any) -> sa.Select[Any]:
    """Columns of such lines and their runs: usage of months that were prepaid, and what was found to be more of it.

    What was found to be less is given back, and weight without a household was paid by nobody.
    """
    n, r, month = StatementLine, StatementRun, aliased(StatementRun)
    prepaid = (month.district_id == district_id, month.version == 1, month.scheme == "prepaid")
    return (
        sa.select(*columns)
        .select_from(month)
        .join(n, sa.and_(n.district_id == month.district_id, n.usage_month == month.month))
        .join(r, sa.and_(r.district_id == n.district_id, r.id == n.run_id, r.complex_id == month.complex_id))
        .where(*prepaid, sa.or_(n.kind == "usage", sa.and_(n.kind == "adjustment", n.won > 0)))
    )
