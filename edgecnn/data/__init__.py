"""Labelled pictures: the registry of data sets and the contract between one and a network."""

from edgecnn.data.contract import contract
from edgecnn.data.dataset import SPLITS, Dataset
from edgecnn.data.source import DATASETS, Source, load

__all__ = ["DATASETS", "SPLITS", "Dataset", "Source", "contract", "load"]
