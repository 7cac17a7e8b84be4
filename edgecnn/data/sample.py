"""Which of many pictures stand for all of them where reading each would take too long."""


def evenly(n: int, most: int) -> list[int]:
    """Return at most `most` of the numbers 0..n-1, evenly spread, from the first; all where they fit."""
    return list(range(n)) if n <= most else [index * n // most for index in range(most)]
