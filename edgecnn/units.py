"""Scaling and rounding of figures for people; everywhere else quantities are plain SI numbers."""

_DECIMAL = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
_BINARY = ((1024**3, " GiB"), (1024**2, " MiB"), (1024, " KiB"))
_TIME = ((1.0, " s"), (1e-3, " ms"), (1e-6, " µs"))


def count(value: float) -> str:
    """Format a count such as mult-adds or parameters: `76.52 M`."""
    for scale, unit in _DECIMAL:
        if abs(value) >= scale:
            return f"{value / scale:.2f}{unit}"
    return f"{value:.0f}"


def several(number: int, thing: str) -> str:
    """Format so many things: `1 layer`, `2 layers`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def size(value_bytes: float) -> str:
    """Format a size in bytes with binary units: `5.09 MiB`."""
    for scale, unit in _BINARY:
        if abs(value_bytes) >= scale:
            return f"{value_bytes / scale:.2f}{unit}"
    return f"{value_bytes:.0f} B"


def duration(value_s: float) -> str:
    """Format a time in seconds: `3.21 ms`."""
    for scale, unit in _TIME:
        if abs(value_s) >= scale:
            return f"{value_s / scale:.2f}{unit}"
    return f"{value_s / 1e-6:.2f} µs"


def clock(value_s: float) -> str:
    """Format a time to wait in whole seconds: `42 s`, `3 min 07 s`, `2 h 05 min`."""
    seconds = round(value_s)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def error(value: float) -> str:
    """Format a numerical error: `3.1e-07`."""
    return "0" if value == 0 else f"{value:.1e}"
