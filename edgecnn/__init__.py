"""edgecnn: from a PyTorch CNN to a verified artifact on an edge board.

Every command of the command line is one function here: `costs`, `fit`, `score`, `compress`, `deploy`,
`verify`. They are imported when they are first used, since torch alone takes a second.
"""

import importlib
from typing import TYPE_CHECKING, Any

from edgecnn.version import __version__

if TYPE_CHECKING:
    from edgecnn.errors import EdgeCnnError
    from edgecnn.export.verify import verify
    from edgecnn.pipeline.costs import costs
    from edgecnn.pipeline.deploy import deploy
    from edgecnn.pipeline.learn import fit
    from edgecnn.pipeline.scoring import score
    from edgecnn.pipeline.shrink import compress
    from edgecnn.spec import ModelSpec

__all__ = [
    "EdgeCnnError",
    "ModelSpec",
    "__version__",
    "compress",
    "costs",
    "deploy",
    "fit",
    "score",
    "verify",
]

_HOMES = {
    "EdgeCnnError": "edgecnn.errors",
    "ModelSpec": "edgecnn.spec",
    "compress": "edgecnn.pipeline.shrink",
    "costs": "edgecnn.pipeline.costs",
    "deploy": "edgecnn.pipeline.deploy",
    "fit": "edgecnn.pipeline.learn",
    "score": "edgecnn.pipeline.scoring",
    "verify": "edgecnn.export.verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgecnn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
