"""The README is true: what it repeats of the code is what the code says."""

import json
import re

import pytest

from edgecnn.data import DATASETS
from edgecnn.devices import TARGETS
from edgecnn.models import ARCHITECTURES
from edgecnn.quantize import PASSES

from .pages import text_of
from .running import Shell, lines

TEXT = text_of("README.md")
GENERATED = re.findall(r"^<!-- (edgecnn .*) -->\n(.*?)^<!-- end -->$", TEXT, re.M | re.S)


@pytest.mark.parametrize(("command", "shown"), GENERATED, ids=[command for command, _ in GENERATED])
def test_a_generated_part_is_what_its_command_prints(tmp_path, command, shown):
    assert lines(Shell(tmp_path).run(command).printed) == lines(shown)


def test_the_number_of_tables_is_right(tmp_path):
    (number,) = re.findall(r"`edgecnn tables` prints (\d+) of them", TEXT)
    assert int(number) == len(json.loads(Shell(tmp_path).run("edgecnn tables --json").printed)["tables"])


@pytest.mark.parametrize(
    ("row", "registry"),
    [("networks", ARCHITECTURES), ("training", DATASETS), ("passes", PASSES), ("targets", TARGETS)],
    ids=["networks", "training", "passes", "targets"],
)
def test_what_works_now_is_there(row, registry):
    (cell,) = re.findall(rf"^\| {row} \| (.*) \|$", TEXT, re.M)
    names = re.findall(r"`([a-z][a-z0-9-]*)`", cell)
    assert names
    assert set(names) <= set(registry)
