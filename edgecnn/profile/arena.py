"""The arena of a microcontroller: where its runtime puts each activation, planned before the first run.

The planner of TFLite-Micro: the largest activation first, each into the lowest gap between those already
placed that are alive at the same time (tensorflow/tflite-micro, `greedy_memory_planner.cc`; "greedy by size"
in Pisarchyk and Lee 2020, arXiv:2001.03288). Kernels that ask for scratch memory add to it.
"""

from collections.abc import Sequence

from edgecnn.graph.liveness import Lifetime

ALIGNMENT = 16  # bytes, of every activation in the arena of TFLite-Micro


def offsets(lives: Sequence[Lifetime]) -> list[int]:
    """Return where in the arena each activation lies, in bytes."""
    steps = max((life.last for life in lives), default=-1) + 1
    placed: list[list[int]] = [[] for _ in range(steps)]  # by step, those alive then
    found = [0] * len(lives)
    # Among equals the last one comes first, as TFLite-Micro fills its list from the back.
    for index in sorted(range(len(lives)), key=lambda index: (-lives[index].nbytes, -index)):
        life = lives[index]
        alive = range(life.first, life.last + 1)
        beside = sorted({(found[other], other) for step in alive for other in placed[step]})
        offset = 0
        for start, other in beside:
            if start - offset >= _aligned(life.nbytes):
                break
            offset = max(offset, start + _aligned(lives[other].nbytes))
        found[index] = offset
        for step in alive:
            placed[step].append(index)
    return found


def arena_bytes(lives: Sequence[Lifetime]) -> int:
    """Return the size of the arena that holds the activations."""
    ends = zip(offsets(lives), lives, strict=True)
    return max((offset + _aligned(life.nbytes) for offset, life in ends), default=0)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
