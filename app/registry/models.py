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
    """A unit (호) of a building; who lives there is a tenancy.

    `abandoned_at` is when its people left without notice (which ended their tenancy), until they are back or others
    move in.
    """

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
    abandoned_at: Mapped[datetime | None]
    abandoned_by: Mapped[str | None]
    abandoned_reason: Mapped[str | None]


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


class Resident(Base):
    """Who lives there during a tenancy: the one place of names, phone numbers and addresses, and it can be erased."""

    __tablename__ = "resident"
    __table_args__ = (in_district("tenancy", "tenancy_id"),)

    district_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tenancy_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str | None]
    phone: Mapped[str | None]
    email: Mapped[str | None]


CARD_ROLES = ("household", "collector", "service", "common")


class Card(InDistrict, Base):
    """An RFID card by its keyed hash; `last4` is for people to recognise it and can be erased.

    A household's card opens where the household lives, while it is assigned. A collector's or service card opens every
    bin of the district, or of the complex `complex_id` alone. A common-area card opens the bins of its complex; what is
    weighed with it is nobody's, and shared by the complex. A blocked card opens none.

    `replaced_by_id` is the card that was issued instead: this one never opens again. `kept_household_id` is the unit
    that keeps the card for its next tenancy.
    """

    __tablename__ = "card"
    __table_args__ = (
        sa.UniqueConstraint("district_id", "card_hash"),
        in_district("complex", "complex_id"),
        sa.CheckConstraint("length(card_hash) = 16", name="hash_length"),
        sa.CheckConstraint(one_of("role", CARD_ROLES), name="role"),
        sa.CheckConstraint("complex_id IS NULL OR role <> 'household'", name="complex"),
        sa.CheckConstraint("role <> 'common' OR complex_id IS NOT NULL", name="common"),
        in_district("card", "replaced_by_id"),
        in_district("household", "kept_household_id"),
        sa.Index("ix_card_replaced_by", "district_id", "replaced_by_id"),
        sa.Index("ix_card_kept_household", "district_id", "kept_household_id"),
        sa.Index("ix_card_role", "district_id", "role"),
    )

    card_hash: Mapped[bytes]
    last4: Mapped[str | None]
    role: Mapped[str] = mapped_column(server_default="household")
    complex_id: Mapped[int | None]
    blocked_at: Mapped[datetime | None]
    blocked_by: Mapped[str | None]
    blocked_reason: Mapped[str | None]
    lost_at: Mapped[datetime | None]
    replaced_by_id: Mapped[int | None]
    kept_household_id: Mapped[int | None]


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
    """A machine that dries food waste on site (대형감량기), from `installed_on` until before `retired_on`."""

    __tablename__ = "reducer"
    __table_args__ = (sa.UniqueConstraint("district_id", "code"), in_district("complex", "complex_id"))

    code: Mapped[str]
    complex_id: Mapped[int]
    installed_on: Mapped[date | None]
    retired_on: Mapped[date | None]
    retired_reason: Mapped[str | None]


class Gateway(InDistrict, Base):
    """The box that runs one or more meters."""

    __tablename__ = "gateway"
    __table_args__ = (sa.UniqueConstraint("district_id", "code"),)

    code: Mapped[str]
    created_at: Mapped[datetime]


class MeterAssignment(InDistrict, Dated, Base):
    """Which gateway runs a meter, at which complex, and when; `end_reason` says why it left."""

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
    end_reason: Mapped[str | None]


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


class ImportUpload(Base):
    """A file between its check and its import: encrypted, of one person, for an hour at most."""

    __tablename__ = "import_upload"

    district_id: Mapped[int] = mapped_column(sa.ForeignKey("district.id"), primary_key=True, autoincrement=False)
    actor: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    file_name: Mapped[str]
    content: Mapped[bytes]
    uploaded_at: Mapped[datetime]


class OfHousehold(InDistrict):
    """What an import brought for a household from an earlier system."""

    household_id: Mapped[int]
    batch_id: Mapped[int]


class EarlierMonth(OfHousehold, Base):
    """What a household threw away and owed in a month (its first day) that an earlier system counted."""

    __tablename__ = "earlier_month"
    __table_args__ = (
        in_district("household", "household_id"),
        in_district("import_batch", "batch_id"),
        sa.UniqueConstraint("district_id", "household_id", "month"),
        sa.CheckConstraint("grams >= 0 AND count >= 0 AND won >= 0", name="amounts"),
    )

    month: Mapped[date]
    grams: Mapped[Big]
    count: Mapped[int]
    won: Mapped[Big]


class OpeningBalance(OfHousehold, Base):
    """What a household still owed (or, below zero, had paid in advance) when the day `as_of` began."""

    __tablename__ = "opening_balance"
    __table_args__ = (
        in_district("household", "household_id"),
        in_district("import_batch", "batch_id"),
        sa.UniqueConstraint("district_id", "household_id", "as_of"),
    )

    as_of: Mapped[date]
    won: Mapped[Big]
