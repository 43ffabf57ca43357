"""The fast reader and the documented marshmallow schema accept and refuse the same records."""

from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from app.metering.models import OUTCOMES
from app.metering.records import read_record
from app.metering.schemas import RecordSchema
from tests.builders import Box

GOOD = Box(None).record(1, card={"hash": "ab" * 16, "last4": "9CD0"})  # type: ignore[arg-type]
schema = RecordSchema()

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["", "1", "x", "x" * 65, "synced", "2026-11-22T09:30:00Z", "2026-11-22T09:30:00", "ab" * 16, "\x00"]
    ),
    st.lists(st.sampled_from(["a", "", 1, None]), max_size=3),
    st.lists(st.just("flag"), min_size=31, max_size=34),
    st.dictionaries(
        st.sampled_from(["hash", "last4", "x"]), st.sampled_from(["ab" * 16, "9CD0", "9cd0", 1]), max_size=3
    ),
)
weights = st.one_of(st.none(), st.integers(-3_000_000, 3_000_000), st.sampled_from([0, 100_000, 100_001, 12000]))
changes = st.dictionaries(st.sampled_from([*GOOD, "unknown"]), odd, max_size=3)


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A good record with a few fields changed, dropped, or weights drawn together."""
    record = GOOD | draw(changes)
    if draw(st.booleans()):
        before = draw(weights)
        after = draw(weights)
        fitting = after - before if before is not None and after is not None else None
        net = draw(st.one_of(st.just(fitting), weights))
        record |= {"gross_before_g": before, "gross_after_g": after, "net_g": net}
    if draw(st.booleans()):
        record["outcome"] = draw(st.sampled_from(OUTCOMES))
    for name in draw(st.sets(st.sampled_from(sorted(GOOD)), max_size=1)):
        record.pop(name, None)
    return record


def accepted_by_schema(record: dict[str, Any]) -> bool:
    try:
        schema.load(record)
    except ValidationError:
        return False
    return True


@settings(max_examples=1500, deadline=None)
@given(records())
@example(GOOD)
@example(GOOD | {"occurred_at": "2026-11-22 09:30:00Z"})
@example(GOOD | {"occurred_at": "2026-11-22T09:30:00+09:00"})
@example(GOOD | {"occurred_at": "2026-11-22"})
@example(GOOD | {"occurred_at": "2026-02-30T00:00:00Z"})
@example(GOOD | {"seq": True})
@example(GOOD | {"seq": 1.0})
@example(GOOD | {"seq": 2**53})
@example(GOOD | {"net_g": 410.0})
@example(GOOD | {"evidence": {"a": [1, {"b": None}]}})
def test_both_validators_agree(record: dict[str, Any]) -> None:
    item = read_record(msgspec.Raw(msgspec.json.encode(record)))
    fast = item.record is not None and item.fault is None
    assert fast == accepted_by_schema(record), item.fault


def test_the_good_record_is_accepted() -> None:
    assert accepted_by_schema(GOOD)
