"""ZFNet: AlexNet with a smaller first kernel and stride.

Zeiler & Fergus 2013, arXiv:1311.2901, figure 3, and the wider net of table 2.
"""

from typing import Literal

from torch import nn

from edgecnn.models.architecture import architecture
from edgecnn.models.chain import CEIL_POOL, MAX_POOL, NORM, Conv, chain
from edgecnn.spec import Res

# 110 → 55 and 26 → 13 take the pools' last window half outside the map.
FIRST = (
    Conv(96, 7, stride=2, padding=1),
    CEIL_POOL,
    NORM,
    Conv(256, 5, stride=2),
    CEIL_POOL,
    NORM,
)
LAST_THREE = {"384-384-256": (384, 384, 256), "512-1024-512": (512, 1024, 512)}


@architecture(res=224, least_res=63, contract_res=64, source="Zeiler & Fergus 2013, arXiv:1311.2901")
def zfnet(
    *,
    width: float = 1.0,
    res: Res,
    classes: int = 1000,
    in_channels: int = 3,
    maps: Literal["384-384-256", "512-1024-512"] = "384-384-256",
) -> nn.Module:
    """ZFNet: a first layer of 7x7 with stride 2, contrast normalized across channels behind each pool.

    The constants of the normalization are AlexNet's; `maps` are the channels of the last three convolutions.
    """
    last = [Conv(channels, 3, padding=1) for channels in LAST_THREE[maps]]
    return chain((*FIRST, *last, MAX_POOL), width=width, res=res, classes=classes, in_channels=in_channels)
