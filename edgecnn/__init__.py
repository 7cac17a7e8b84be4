"""edgecnn: from a PyTorch CNN to a verified artifact on an edge board.

Every command of the command line is one function here: `costs`, `fit`, `score`, `compress`,
`sensitivities`, `deploy`, `verify`, `verify_on`, `measure`, `sweep`,
`recommend`. `to_module` makes a graph an `nn.Module` that
trains, `to_graph` makes that a graph again. All are imported when they are first used, since torch alone
takes a second.
"""

import importlib
from typing import TYPE_CHECKING, Any

from edgecnn.version import __version__

if TYPE_CHECKING:
    from edgecnn.errors import EdgeCnnError
    from edgecnn.export.verify import verify
    from edgecnn.pipeline.asked import Told
    from edgecnn.pipeline.costs import costs
    from edgecnn.pipeline.deploy import deploy
    from edgecnn.pipeline.fitting import fit_device
    from edgecnn.pipeline.learn import fit
    from edgecnn.pipeline.measuring import measure, verify_on
    from edgecnn.pipeline.prediction import predict
    from edgecnn.pipeline.quantization import Quantization
    from edgecnn.pipeline.rounding import sensitivities
    from edgecnn.pipeline.scoring import score
    from edgecnn.pipeline.shrink import Pictures, compress
    from edgecnn.pipeline.training_pictures import TrainingPlace
    from edgecnn.spec import ModelSpec
    from edgecnn.sweeps.cells import Request
    from edgecnn.sweeps.point import Point
    from edgecnn.sweeps.points import read_points
    from edgecnn.sweeps.recommend import Limits, recommend
    from edgecnn.sweeps.run import sweep
    from edgecnn.trainable import Trainable, to_graph, to_module

__all__ = [
    "EdgeCnnError",
    "Limits",
    "ModelSpec",
    "Pictures",
    "Point",
    "Quantization",
    "Request",
    "Told",
    "Trainable",
    "TrainingPlace",
    "__version__",
    "compress",
    "costs",
    "deploy",
    "fit",
    "fit_device",
    "measure",
    "predict",
    "read_points",
    "recommend",
    "score",
    "sensitivities",
    "sweep",
    "to_graph",
    "to_module",
    "verify",
    "verify_on",
]

_HOMES = {
    "EdgeCnnError": "edgecnn.errors",
    "ModelSpec": "edgecnn.spec",
    "Pictures": "edgecnn.pipeline.shrink",
    "Quantization": "edgecnn.pipeline.quantization",
    "Told": "edgecnn.pipeline.asked",
    "Trainable": "edgecnn.trainable",
    "TrainingPlace": "edgecnn.pipeline.training_pictures",
    "compress": "edgecnn.pipeline.shrink",
    "costs": "edgecnn.pipeline.costs",
    "deploy": "edgecnn.pipeline.deploy",
    "fit": "edgecnn.pipeline.learn",
    "fit_device": "edgecnn.pipeline.fitting",
    "measure": "edgecnn.pipeline.measuring",
    "predict": "edgecnn.pipeline.prediction",
    "score": "edgecnn.pipeline.scoring",
    "sensitivities": "edgecnn.pipeline.rounding",
    "to_graph": "edgecnn.trainable",
    "to_module": "edgecnn.trainable",
    "Limits": "edgecnn.sweeps.recommend",
    "Point": "edgecnn.sweeps.point",
    "Request": "edgecnn.sweeps.cells",
    "read_points": "edgecnn.sweeps.points",
    "recommend": "edgecnn.sweeps.recommend",
    "sweep": "edgecnn.sweeps.run",
    "verify": "edgecnn.export.verify",
    "verify_on": "edgecnn.pipeline.measuring",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgecnn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
