"""A whole amount split into whole parts that add up to it."""

from collections.abc import Sequence


def share(total: int, weights: Sequence[int]) -> list[int]:
    """`total` split in proportion to weights of 0 or more, by largest remainder: of equal ones the first gets more.

    Raises ValueError where there is something to share but no weight.
    """
    whole = sum(weights)
    if not whole:
        if total:
            raise ValueError(f"{total} cannot be shared by {len(weights)} weights of 0; give days lived instead.")
        return [0] * len(weights)
    parts, remainders = map(list, zip(*(divmod(total * weight, whole) for weight in weights), strict=True))
    left = total - sum(parts)
    for index in sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)[:left]:
        parts[index] += 1
    return parts
