"""District, dong, complex, building, household, tenancy, card; meter, reducer, gateway and their assignments."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Big, one_of


def in_district(table: str, column: str) -> sa.ForeignKeyConstraint:
    """A reference that cannot leave the district."""
    return sa.ForeignKeyConstraint(["district_id", column], [f"{table}.district_id", f"{table}.id"])


class District(Base):
    """A municipality: the tenant. `registry_version` rises with every change that ingest must see."""

    __tablename__ = "district"
    __table_args__ = (sa.UniqueConstraint("code"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str]
    name: Mapped[str]
    card_key: Mapped[bytes]
    registry_version: Mapped[Big] = mapped_column(server_default="0")


class InDistrict:
    """Key of every table below: the district first, so that a tenant can be moved and the tables distributed."""

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Dong(Base):
    """A legal dong (법정동); its name is known where an address shows it."""

    __tablename__ = "dong"

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]


class Complex(InDistrict, Base):
    """An apartment complex. `declared_households` is what K-eco declares, not a count of household rows."""

    __tablename__ = "complex"
    __table_args__ = (
        sa.UniqueConstraint("district_id", "code"),
        sa.ForeignKeyConstraint(["district_id", "dong_code"], ["dong.district_id", "dong.code"]),
        sa.CheckConstraint("declared_households >= 0", name="declared"),
    )

    code: Mapped[str]
    name: Mapped[str]
    dong_code: Mapped[str | None]
    declared_households: Mapped[int | None]
    road_address: Mapped[str | None]
    address_detail: Mapped[str | None]
    memo: Mapped[str | None]
    equipment: Mapped[str | None]
    charging: Mapped[str | None]
    latitude: Mapped[str | None]
    longitude: Mapped[str | None]
    registered_at: Mapped[datetime | None]


class Building(InDistrict, Base):
    __tablename__ = "building"
    __table_args__ = (sa.UniqueConstraint("district_id", "complex_id", "name"), in_district("complex", "complex_id"))

    complex_id: Mapped[int]
    name: Mapped[str]


class Household(InDistrict, Base):
    """A unit (호) of a building; who lives there is a tenancy."""

    __tablename__ = "household"
    __table_args__ = (
        sa.UniqueConstraint("district_id", "building_id", "unit"),
        in_district("building", "building_id"),
        in_district("complex", "complex_id"),
        sa.Index("ix_household_complex", "district_id", "complex_id"),
    )

    complex_id: Mapped[int]
    building_id: Mapped[int]
    unit: Mapped[str]


class Dated:
    """Held from `valid_from` until just before `valid_to` (open when null), UTC. No overlaps: the database refuses."""

    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]


def dated_check() -> sa.CheckConstraint:
    return sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="dated")


class Tenancy(InDistrict, Dated, Base):
    """Who lived in a unit, from and to; cards and statements follow it."""

    __tablename__ = "tenancy"
    __table_args__ = (
        in_district("household", "household_id"),
        dated_check(),
        sa.Index("ix_tenancy_household", "district_id", "household_id"),
    )

    household_id: Mapped[int]


CARD_ROLES = ("household", "collector", "service")


class Card(InDistrict, Base):
    """An RFID card by its keyed hash; `last4` is for people to recognise it and can be erased.

    A household's card opens where the household lives, while it is assigned. A collector's or service card opens every
    bin of the district, or of the complex `complex_id` alone. A blocked card opens none.
    """

    __tablename__ = "card"
    __table_args__ = (
        sa.UniqueConstraint("district_id", "card_hash"),
        in_district("complex", "complex_id"),
        sa.CheckConstraint("length(card_hash) = 16", name="hash_length"),
        sa.CheckConstraint(one_of("role", CARD_ROLES), name="role"),
        sa.CheckConstraint("complex_id IS NULL OR role <> 'household'", name="complex"),
        sa.Index("ix_card_role", "district_id", "role"),
    )

    card_hash: Mapped[bytes]
    last4: Mapped[str | None]
    role: Mapped[str] = mapped_column(server_default="household")
    complex_id: Mapped[int | None]
    blocked_at: Mapped[datetime | None]
    blocked_by: Mapped[str | None]
    blocked_reason: Mapped[str | None]


class CardAssignment(InDistrict, Dated, Base):
    """Which tenancy a card belongs to, and when."""

    __tablename__ = "card_assignment"
    __table_args__ = (
        in_district("card", "card_id"),
        in_district("tenancy", "tenancy_id"),
        dated_check(),
        sa.Index("ix_card_assignment_card", "district_id", "card_id"),
        sa.Index("ix_card_assignment_tenancy", "district_id", "tenancy_id"),
    )

    card_id: Mapped[int]
    tenancy_id: Mapped[int]


class Meter(InDistrict, Base):
    """An RFID meter (종량기). Where it stands and which gateway runs it is an assignment."""

    __tablename__ = "meter"
    __table_args__ = (sa.UniqueConstraint("district_id", "code"),)

    code: Mapped[str]
    name: Mapped[str | None]


class Reducer(InDistrict, Base):
    """A machine that dries food waste on site (대형감량기)."""

    __tablename__ = "reducer"
    __table_args__ = (sa.UniqueConstraint("district_id", "code"), in_district("complex", "complex_id"))

    code: Mapped[str]
    complex_id: Mapped[int]


class Gateway(InDistrict, Base):
    """The box that runs one or more meters."""

    __tablename__ = "gateway"
    __table_args__ = (sa.UniqueConstraint("district_id", "code"),)

    code: Mapped[str]
    created_at: Mapped[datetime]


class MeterAssignment(InDistrict, Dated, Base):
    """Which gateway runs a meter, at which complex, and when."""

    __tablename__ = "meter_assignment"
    __table_args__ = (
        in_district("meter", "meter_id"),
        in_district("gateway", "gateway_id"),
        in_district("complex", "complex_id"),
        dated_check(),
        sa.Index("ix_meter_assignment_meter", "district_id", "meter_id"),
        sa.Index("ix_meter_assignment_gateway", "district_id", "gateway_id"),
        sa.Index("ix_meter_assignment_complex", "district_id", "complex_id"),
    )

    meter_id: Mapped[int]
    gateway_id: Mapped[int]
    complex_id: Mapped[int]


VENDOR_KINDS = ("manufacturer", "sales_point")


class Vendor(InDistrict, Base):
    """A maker of bags or a designated sales point (지정판매소), from `designated_on` until before `ended_on`."""

    __tablename__ = "vendor"
    __table_args__ = (
        sa.UniqueConstraint("district_id", "code"),
        sa.CheckConstraint(one_of("kind", VENDOR_KINDS), name="kind"),
    )

    kind: Mapped[str]
    code: Mapped[str]
    name: Mapped[str]
    business_number: Mapped[str | None]
    representative: Mapped[str | None]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    address: Mapped[str | None]
    memo: Mapped[str | None]
    designated_on: Mapped[date | None]
    ended_on: Mapped[date | None]


class ImportBatch(InDistrict, Base):
    """One file taken in; it can be undone as a whole."""

    __tablename__ = "import_batch"

    kind: Mapped[str]
    file_name: Mapped[str]
    file_sha256: Mapped[str]
    actor: Mapped[str]
    imported_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]


class ImportChange(InDistrict, Base):
    """What an import did to one row; `before` is JSON {field: [before, after]}, so that it can be undone."""

    __tablename__ = "import_change"
    __table_args__ = (
        in_district("import_batch", "batch_id"),
        sa.CheckConstraint("action IN ('created', 'updated')", name="action"),
        sa.Index("ix_import_change_batch", "district_id", "batch_id"),
    )

    batch_id: Mapped[int]
    table_name: Mapped[str]
    row_key: Mapped[str]
    action: Mapped[str]
    before: Mapped[str | None]
