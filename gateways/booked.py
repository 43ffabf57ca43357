"""What `jongnyang-gateway run --json` prints: a line for each record as it becomes durable."""

import msgspec


class BookedLine(msgspec.Struct, frozen=True):
    """A record that a gateway reports on its output; weights in grams, `at` is wall time in UTC."""

    at: str
    meter: str
    seq: int
    outcome: str
    net_g: int | None
    last4: str | None
