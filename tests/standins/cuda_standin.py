"""A stand-in for libcudart: C functions with the CUDA runtime's signatures over the host's memory.

They are real foreign functions: what the script under test passes goes through ctypes' conversions.
"""

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char, c_char_p, c_int, c_size_t, c_void_p

INVALID_VALUE, MEMORY_ALLOCATION = 1, 2
STREAM = 0x5EED


class Cudart:
    """What ctypes.CDLL("libcudart.so") gives: an attribute a function."""

    def __init__(self, *, gpu: str = "Stand-in GPU", sm: str = "5.3", memory_bytes: int = 1 << 30) -> None:
        self._gpu, self._sm, self._memory = gpu, [int(digit) for digit in sm.split(".")], memory_bytes
        self._held: dict[int, ctypes.Array[c_char]] = {}
        self.devices = 1
        self.streams = 0
        out = POINTER(c_void_p)
        signatures = {
            "cudaGetDeviceCount": (self._count, [POINTER(c_int)]),
            "cudaSetDevice": (lambda device: INVALID_VALUE if device else 0, [c_int]),
            "cudaDeviceGetAttribute": (self._attribute, [POINTER(c_int), c_int, c_int]),
            "cudaGetDeviceProperties": (self._properties, [POINTER(c_char), c_int]),
            "cudaMemGetInfo": (self._info, [POINTER(c_size_t), POINTER(c_size_t)]),
            "cudaMalloc": (self._malloc, [out, c_size_t]),
            "cudaFree": (self._free, [c_void_p]),
            "cudaMemcpy": (self._copy, [c_void_p, c_void_p, c_size_t, c_int]),
            "cudaStreamCreate": (self._stream, [out]),
            "cudaStreamSynchronize": (lambda stream: 0 if stream == STREAM else INVALID_VALUE, [c_void_p]),
            "cudaStreamDestroy": (self._destroy, [c_void_p]),
        }
        for name, (function, types) in signatures.items():
            setattr(self, name, CFUNCTYPE(c_int, *types)(function))
        self._words = {
            INVALID_VALUE: c_char_p(b"invalid argument"),
            MEMORY_ALLOCATION: c_char_p(b"out of memory"),
        }
        self.cudaGetErrorString = CFUNCTYPE(c_void_p, c_int)(
            lambda code: ctypes.cast(self._words[code], c_void_p).value
        )

    @property
    def allocations(self) -> int:
        return len(self._held)

    def _count(self, found) -> int:
        found[0] = self.devices
        return 0

    def _attribute(self, found, attribute: int, device: int) -> int:
        wanted = {75: self._sm[0], 76: self._sm[1]}
        if attribute not in wanted or device:
            return INVALID_VALUE
        found[0] = wanted[attribute]
        return 0

    def _properties(self, found, device: int) -> int:
        if device:
            return INVALID_VALUE
        ctypes.memset(found, 0x41, 1024)  # what follows the name is not zero
        text = self._gpu.encode()
        ctypes.memmove(found, text + b"\0" * (256 - len(text)), 256)
        return 0

    def _info(self, free, total) -> int:
        free[0], total[0] = self._memory - sum(map(len, self._held.values())), self._memory
        return 0

    def _malloc(self, found, size: int) -> int:
        if not size or sum(map(len, self._held.values())) + size > self._memory:
            return MEMORY_ALLOCATION
        buffer = ctypes.create_string_buffer(size)
        self._held[ctypes.addressof(buffer)] = buffer
        found[0] = ctypes.addressof(buffer)
        return 0

    def _free(self, address: int) -> int:
        return 0 if self._held.pop(address, None) is not None else INVALID_VALUE

    def _copy(self, to: int, start: int, size: int, kind: int) -> int:
        device = {1: to, 2: start}.get(kind)
        if device not in self._held or size > len(self._held[device]):
            return INVALID_VALUE
        ctypes.memmove(to, start, size)
        return 0

    def _stream(self, found) -> int:
        self.streams += 1
        found[0] = STREAM
        return 0

    def _destroy(self, stream: int) -> int:
        self.streams -= 1
        return 0 if stream == STREAM else INVALID_VALUE
