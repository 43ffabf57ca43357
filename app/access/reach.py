"""How far somebody sees within their district: all of it, some complexes, or one vendor.

A row outside of it does not exist for them: reads leave it out, and whoever names it hears `not-found`.
"""

from typing import Any, NamedTuple

import sqlalchemy as sa

from app.problems import Problem


class Reach(NamedTuple):
    """`complex_ids` is None for the whole district; a vendor's people see no complex, only `vendor_id`."""

    complex_ids: frozenset[int] | None
    vendor_id: int | None = None

    @property
    def whole(self) -> bool:
        """Whether it is the whole district."""
        return self.complex_ids is None

    @property
    def kind(self) -> str:
        """`district`, `complex` or `vendor`: what a route's rule must allow."""
        if self.complex_ids is None:
            return "district"
        return "complex" if self.vendor_id is None else "vendor"

    def covers(self, complex_id: int | None) -> bool:
        """Whether a complex lies within; what belongs to no complex is the district's own."""
        return self.complex_ids is None or complex_id in self.complex_ids

    def check(self, complex_id: int | None) -> None:
        """Raise the Problem `not-found` for a complex outside."""
        if not self.covers(complex_id):
            raise Problem("not-found")

    def within(self, column: Any) -> sa.ColumnElement[bool]:
        """The condition on a column of complex ids that keeps a read inside."""
        if self.complex_ids is None:
            return sa.true()
        inside: sa.ColumnElement[bool] = column.in_(sorted(self.complex_ids))
        return inside

    def check_vendor(self, vendor_id: int) -> None:
        """Raise the Problem `not-found` for a vendor outside."""
        if not self.whole and vendor_id != self.vendor_id:
            raise Problem("not-found")


WHOLE = Reach(None)
