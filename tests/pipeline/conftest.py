import pytest

import edgecnn


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """A small MobileNet exported for an ARM board and for a Jetson: target → path."""
    folder = tmp_path_factory.mktemp("bundles")
    for target in ("pi4", "jetson"):
        edgecnn.deploy("mobilenet(width=0.25, res=32, classes=10)", target, out=folder / target)
    return {target: folder / target for target in ("pi4", "jetson")}
