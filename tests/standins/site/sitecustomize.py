"""Put on PYTHONPATH: the process finds no libcudart, whatever the machine has."""

import ctypes

_CDLL = ctypes.CDLL


class _WithoutCuda(_CDLL):
    def __init__(self, name, *arguments, **options):
        if "cudart" in str(name):
            raise OSError(f"{name}: the stand-in board has none")
        super().__init__(name, *arguments, **options)


ctypes.CDLL = _WithoutCuda
