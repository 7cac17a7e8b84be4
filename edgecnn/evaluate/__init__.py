"""What networks get right, on whatever runtime, how sure that is, and whether two of them differ."""

from edgecnn.evaluate.answers import Answers
from edgecnn.evaluate.classification import Metrics, measure
from edgecnn.evaluate.comparison import Comparison, Difference, Measured, compare
from edgecnn.evaluate.paired import mcnemar, paired_difference, sign_flip
from edgecnn.evaluate.proportion import CONFIDENCE, Share, agreement, wilson
from edgecnn.evaluate.resampling import bootstrap
from edgecnn.evaluate.run import evaluate, evaluate_dataset
from edgecnn.evaluate.segmentation import Segmentation

__all__ = [
    "CONFIDENCE",
    "Answers",
    "Comparison",
    "Difference",
    "Measured",
    "Metrics",
    "Segmentation",
    "Share",
    "agreement",
    "bootstrap",
    "compare",
    "evaluate",
    "evaluate_dataset",
    "mcnemar",
    "measure",
    "paired_difference",
    "sign_flip",
    "wilson",
]
