"""Small whole numbers as identities: 1, 2, 3 … within a district and kind of thing, the same on both databases.

A district's rows can so move to another server without a clash, and no database sequence has to be carried along.
"""

from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Big, Executor, upsert


class IdCounter(Base):
    __tablename__ = "id_counter"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    last_id: Mapped[Big]


def allocate(executor: Executor, district_id: int, kind: str, count: int = 1) -> range:
    """Reserve `count` new ids of `kind`; other transactions wait until this one ends."""
    row = {"district_id": district_id, "kind": kind, "last_id": count}
    statement = (
        upsert(executor, IdCounter)
        .values(row)
        .on_conflict_do_update(index_elements=["district_id", "kind"], set_={"last_id": IdCounter.last_id + count})
    )
    last = executor.execute(statement.returning(IdCounter.last_id)).scalar_one()
    return range(last - count + 1, last + 1)
