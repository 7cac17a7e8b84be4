"""What TensorFlow published of MobileNet v1: milliseconds on a Pixel 3, by width and resolution.

Source: TensorFlow Lite guide, "Hosted models": "Pixel 3 (Android 10)", the column "CPU, 4 threads". The
MobileNet paper (arXiv:1704.04861) prints mult-adds and no milliseconds.
"""

WIDTHS, RESOLUTIONS = (1.0, 0.75, 0.5, 0.25), (224, 192, 160, 128)
SOURCE = "TensorFlow Lite guide, hosted models: Pixel 3, Android 10, CPU, 4 threads"

PIXEL_3_MS = {
    "fp32": {
        1.0: (24.0, 18.1, 13.4, 9.0),
        0.75: (14.6, 11.0, 8.2, 5.5),
        0.5: (7.9, 6.0, 4.4, 3.0),
        0.25: (3.3, 2.4, 1.7, 1.2),
    },
    "int8": {
        1.0: (13, 9.9, 7.3, 4.8),
        0.75: (8.5, 6.4, 4.7, 3.1),
        0.5: (4.7, 3.6, 2.6, 1.7),
        0.25: (2.3, 1.8, 1.3, 0.8),
    },
}


def published_ms(precision: str, width: float, res: int) -> float:
    """Return a cell of the published table."""
    return PIXEL_3_MS[precision][width][RESOLUTIONS.index(res)]
