"""Volumes: hours by complex, and who was alive by hour, day and month.

Existing hours take the complex where their meter stood; `jongnyang rollups check` tells where a meter moved within one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004_volumes"
down_revision = "0003_metering"

INSTANT = sa.TIMESTAMP(timezone=True).with_variant(sa.BigInteger(), "sqlite")
HOUR_US = 3_600_000_000
MEASURES = (
    "weighed_count",
    "weighed_g",
    "billable_count",
    "billable_g",
    "suspense_count",
    "suspense_g",
    "event_count",
)
ALIVE = {"alive_hour": ("hour", INSTANT), "alive_day": ("service_day", sa.Date()), "alive_month": ("month", sa.Date())}


def upgrade() -> None:
    op.create_index("ix_household_complex", "household", ["district_id", "complex_id"])
    op.create_index("ix_meter_assignment_complex", "meter_assignment", ["district_id", "complex_id"])
    op.create_index(
        "ix_discharge_correction_household", "discharge_correction", ["district_id", "household_id", "service_day"]
    )
    rebuild_meter_hour(
        key=("district_id", "complex_id", "hour", "meter_id"),
        rows=f"""
            SELECT h.district_id, a.complex_id, h.hour, h.meter_id, {", ".join(MEASURES)} FROM meter_hour_before h
            JOIN meter_assignment a ON a.district_id = h.district_id AND a.meter_id = h.meter_id
             AND a.id = {_first_in_hour("h.district_id", "h.meter_id", "h.hour")}
        """,
    )
    place_alive_intervals()
    for table, (unit, kind) in ALIVE.items():
        op.create_table(
            table,
            sa.Column("district_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("complex_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column(unit, kind, autoincrement=False, nullable=False),
            sa.Column("gateway_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("meter_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("alive_ms", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("district_id", "complex_id", unit, "gateway_id", "meter_id", name=f"pk_{table}"),
        )
        op.execute(f"INSERT INTO {table} {_alive(table)}")
        if not _is_sqlite():
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")


def downgrade() -> None:
    for table in ALIVE:
        op.drop_table(table)
    with op.batch_alter_table("meter_alive") as batch:
        batch.drop_column("complex_id")
        batch.drop_column("gateway_id")
    rebuild_meter_hour(
        key=("district_id", "meter_id", "hour"),
        rows=f"""
            SELECT district_id, meter_id, hour, {", ".join(f"sum({name})" for name in MEASURES)}
            FROM meter_hour_before GROUP BY district_id, meter_id, hour
        """,
    )
    op.drop_index("ix_discharge_correction_household", "discharge_correction")
    op.drop_index("ix_meter_assignment_complex", "meter_assignment")
    op.drop_index("ix_household_complex", "household")


def rebuild_meter_hour(key: tuple[str, ...], rows: str) -> None:
    op.rename_table("meter_hour", "meter_hour_before")
    if not _is_sqlite():
        op.execute("ALTER INDEX pk_meter_hour RENAME TO pk_meter_hour_before")
    op.create_table(
        "meter_hour",
        *(
            sa.Column(name, INSTANT if name == "hour" else sa.Integer(), autoincrement=False, nullable=False)
            for name in key
        ),
        *(
            sa.Column(name, sa.BigInteger() if name.endswith("_g") else sa.Integer(), nullable=False)
            for name in MEASURES
        ),
        sa.PrimaryKeyConstraint(*key, name="pk_meter_hour"),
    )
    op.execute(f"INSERT INTO meter_hour {rows}")
    op.drop_table("meter_hour_before")
    if not _is_sqlite():
        op.execute("ALTER TABLE meter_hour SET (fillfactor = 70)")


def place_alive_intervals() -> None:
    """Each interval keeps the gateway and complex that its meter had then, as a discharge does."""
    for column in ("gateway_id", "complex_id"):
        op.add_column("meter_alive", sa.Column(column, sa.Integer(), nullable=True))
        op.execute(
            f"UPDATE meter_alive SET {column} = (SELECT a.{column} FROM meter_assignment a "
            "WHERE a.district_id = meter_alive.district_id AND a.meter_id = meter_alive.meter_id "
            "AND a.valid_from <= meter_alive.started_at "
            "AND (a.valid_to IS NULL OR a.valid_to > meter_alive.started_at))"
        )
    with op.batch_alter_table("meter_alive") as batch:
        batch.alter_column("gateway_id", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("complex_id", existing_type=sa.Integer(), nullable=False)


def _first_in_hour(district: str, meter: str, hour: str) -> str:
    end = f"{hour} + {HOUR_US}" if _is_sqlite() else f"{hour} + interval '1 hour'"
    return (
        f"(SELECT min(f.id) FROM meter_assignment f WHERE f.district_id = {district} AND f.meter_id = {meter} "
        f"AND f.valid_from < {end} AND (f.valid_to IS NULL OR f.valid_to > {hour}))"
    )


def _alive(table: str) -> str:
    """Milliseconds by unit of `table`. An interval lasts an hour at most, so it touches one full hour or two."""
    if _is_sqlite():
        hour, next_hour = f"started_at - started_at % {HOUR_US}", f"started_at - started_at % {HOUR_US} + {HOUR_US}"
        length = "({to} - {from_}) / 1000"
        earlier, later = "min", "max"
        day = "date(hour / 1000000 + 32400, 'unixepoch')"
        units = {"hour": "hour", "service_day": day, "month": f"strftime('%Y-%m-01', {day})"}
    else:
        hour = "date_trunc('hour', started_at, 'UTC')"
        next_hour = f"{hour} + interval '1 hour'"
        length = "floor(extract(epoch FROM {to} - {from_}) * 1000)::bigint"
        earlier, later = "least", "greatest"
        day = "(hour AT TIME ZONE 'Asia/Seoul')::date"
        units = {"hour": "hour", "service_day": day, "month": f"date_trunc('month', {day})::date"}
    keys = "district_id, complex_id, gateway_id, meter_id"
    in_first = length.format(from_="started_at", to=f"{earlier}(ended_at, {next_hour})")
    in_second = length.format(from_=f"{later}(started_at, {next_hour})", to="ended_at")
    unit = units[ALIVE[table][0]]
    return f"""
        SELECT district_id, complex_id, {unit}, gateway_id, meter_id, sum(alive_ms) FROM (
            SELECT {keys}, {hour} AS hour, {in_first} AS alive_ms FROM meter_alive
            UNION ALL SELECT {keys}, {next_hour}, {in_second} FROM meter_alive WHERE ended_at > {next_hour}
        ) parts GROUP BY district_id, complex_id, {unit}, gateway_id, meter_id
    """


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
