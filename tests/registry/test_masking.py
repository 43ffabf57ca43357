"""What everybody sees of a name, a number and an address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.registry.masking import MASKS, mask_email, mask_last4, mask_name, mask_phone


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (mask_name, "김철수", "김*수"),
        (mask_name, "김철", "김*"),
        (mask_name, "남궁민수", "남**수"),
        (mask_name, "김", "김*"),
        (mask_phone, "010-1234-5678", "010-****-5678"),
        (mask_phone, "01012345678", "010****5678"),
        (mask_phone, "123-4567", "***-****"),
        (mask_email, "hong@example.com", "h***@example.com"),
        (mask_email, "no address", "n***"),
        (mask_last4, "4BB2", "••B2"),
    ],
)
def test_details_show_only_what_tells_them_apart(mask: object, value: str, shown: str) -> None:
    assert mask(value) == shown  # type: ignore[operator]


@pytest.mark.parametrize("name", MASKS)
@given(value=st.none() | st.text(max_size=40))
def test_whatever_is_stored_can_be_masked(name: str, value: str | None) -> None:
    masked = MASKS[name](value)
    assert masked == value if not value else masked
    if name == "name" and value and len(value) > 3:
        assert value not in str(masked) or set(value[1:-1]) == {"*"}
