"""docs/sweep.md is true: its commands run, one after the other."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import torch

from edgecnn.cli.main import cli

TEXT = (Path(__file__).parents[1] / "docs" / "sweep.md").read_text(encoding="utf-8")
COMMANDS = re.search(r"^```sweep\n(.*?)^```$", TEXT, re.M | re.S)[1].splitlines()


def test_every_command_runs_and_the_sweep_has_what_the_table_says(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(io.StringIO()):
        for line in COMMANDS:
            cli.main(shlex.split(line)[1:], standalone_mode=False)
    torch.set_num_threads(threads)
    rows = re.findall(r"^\| `([a-z.]+)/?` \|", TEXT, re.M)
    assert sorted(path.name for path in (tmp_path / "digits.sweep").iterdir()) == sorted(rows)
    assert (tmp_path / "report.html").is_file()
