"""Fixtures that every part of the suite may use."""

import os

import numpy as np
import pytest

# Some tests import ONNX Runtime themselves; it is to send nothing there, either.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
