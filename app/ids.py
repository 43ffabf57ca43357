"""Small whole numbers as identities: 1, 2, 3 … within a district and kind of thing, the same on both databases.

A district's rows can so move to another server without a clash, and no database sequence has to be carried along.
"""

from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db import Base, Big


class IdCounter(Base):
    __tablename__ = "id_counter"

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    last_id: Mapped[Big]


def allocate(session: Session, district_id: int, kind: str, count: int = 1) -> range:
    """Reserve `count` new ids of `kind`; other transactions wait until this one ends."""
    table = IdCounter.__table__
    values = {"district_id": district_id, "kind": kind, "last_id": count}
    update = {"last_id": table.c.last_id + count}
    insert = _insert(session)(table).values(values)
    statement = insert.on_conflict_do_update(index_elements=["district_id", "kind"], set_=update)
    last: int = session.execute(statement.returning(table.c.last_id)).scalar_one()
    return range(last - count + 1, last + 1)


def _insert(session: Session):  # type: ignore[no-untyped-def]
    from sqlalchemy.dialects import postgresql, sqlite

    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
