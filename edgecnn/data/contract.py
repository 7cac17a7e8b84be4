"""The preprocessing contract between a data set and a network."""

from edgecnn.data.dataset import Dataset
from edgecnn.errors import EdgeCnnError
from edgecnn.preprocessing import Preprocessing, raw_preprocessing

# (channels of the pictures, channels of the network) → channel order
_ORDERS = {(1, 1): "L", (1, 3): "RGB", (3, 3): "RGB"}


def contract(dataset: Dataset, in_channels: int, height: int, width: int) -> Preprocessing:
    """Return how the pictures of `dataset` become the input of a network.

    Pictures are squashed to (width, height), gray ones repeated for a network of three channels, and
    normalized with the data set's own mean and deviation: give the training split. Arrays of another number
    of channels are used as they are where they fit exactly.

    Args:
        dataset: the training split.
        in_channels: of the network.
        height: of the network's input.
        width: of the network's input.

    Raises:
        EdgeCnnError: the pictures' channels do not fit the network's.
    """
    order = _ORDERS.get((dataset.channels, in_channels))
    if order is None and dataset.channels != in_channels:
        raise EdgeCnnError(
            f"{dataset.name} has {dataset.channels} channel(s) and the network takes {in_channels};"
            f" give --in-channels {dataset.channels}"
        )
    if order is None and dataset.size != (height, width):
        own = "x".join(map(str, dataset.size or ()))
        raise EdgeCnnError(
            f"{dataset.name} has {dataset.channels} channels, so its pictures cannot be resized;"
            f" give --res {own}"
        )
    if order is None:
        return raw_preprocessing(in_channels, height, width)
    mean, std = (values * (in_channels // dataset.channels) for values in dataset.statistics())
    return Preprocessing(channel_order=order, height=height, width=width, mean=mean, std=std)
