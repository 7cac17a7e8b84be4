"""Where the batch axis goes, so that a graph of one image runs on many.

    f(x_1, ..., x_n) = f(x_1), ..., f(x_n) along the batch axis

A graph is recorded for a fixed batch, mostly of one image, and may have that number in its shapes. A rule
says for one operator where the output's batch axis lies; what would mix images, or lose the axis, is refused.
"""

from edgecnn.trainable.site import Site


def first_input(site: Site) -> int:
    """Keep the first input's batch axis, wherever it is; no other input may have one."""
    axis = site.batch(0)
    if axis is None or site.batched() != [0]:
        raise site.refuse("has an input that differs from image to image where only the first one may")
    return axis


def images(site: Site) -> int:
    """Keep the first input's batch axis, which has to be its first: of operators on (n, c, ...)."""
    axis = first_input(site)
    if axis != 0:
        raise site.refuse(f"reads images along axis {axis}; the first one is supported")
    return axis


def broadcast(site: Site) -> int:
    """Align the inputs at their last axes, as elementwise operators do."""
    ranks = [site.rank(index) if site.has(index) else 0 for index in range(len(site.node.inputs))]
    return aligned(site, max(ranks))


def aligned(site: Site, rank: int) -> int:
    """Return the batch axis of a result of this rank; raise where an input has something else there."""
    places = {site.batch(index) + rank - site.rank(index) for index in site.batched()}  # type: ignore[operator]
    if len(places) != 1:
        raise site.refuse("would set the images of one input against another axis of the other")
    (place,) = places
    for index in range(len(site.node.inputs)):
        at = place - rank + site.rank(index) if site.has(index) else -1
        if site.batch(index) is None and at >= 0 and site.shape(index)[at] != 1:
            raise site.refuse(f"has {site.shape(index)[at]} constant entries along the axis of the images")
    return place


def apart_from(site: Site, axis: int, what: str) -> int:
    """Keep the first input's batch axis, which the operator must not touch."""
    batch = first_input(site)
    if axis == batch:
        raise site.refuse(f"{what} along axis {axis}, the axis of the images")
    return batch


def reshaped(site: Site, source: tuple[int, ...], target: tuple[int, ...]) -> int:
    """Find the batch axis among the sizes of a reshaped input: as many entries before it, as many images."""
    batch, before, seen = first_input(site), 1, 1
    for size in source[:batch]:
        before *= size
    for axis, size in enumerate(target):
        if seen == before and size == source[batch]:
            return axis
        seen *= size
    raise site.refuse(f"reshapes {source} to {target}, which leaves no axis for the images")
