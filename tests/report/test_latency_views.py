"""The table of measurements, and the slowest layers below it."""

import re
from dataclasses import replace

from edgecnn.devices.measurement import Environment, LayerTime, Measurement
from edgecnn.report.latency_views import print_measurements

ENVIRONMENT = Environment(
    fixed={"runtime": "tensorrt 10.3.0", "gpu": {"name": "Orin"}}, before={}, after={}, peak_rss_bytes=100
)
LAYERS = tuple(LayerTime(layer=f"layer{n}", medians_s=(n * 1e-3,)) for n in range(1, 10))


def measured(layers):
    return Measurement(
        name="net", model="lenet", artifact="model.fp16.onnx", precision="fp16", bundle_sha256="0" * 64,
        device="ssh://jetson", date="2026-01-01", mult_adds=7, times_s=(0.01, 0.012), warmup_s=(0.01,),
        init_s=(0.5,), first_s=(0.02,), steady=True, max_abs_error=0.1, max_abs_error_allowed=0.2,
        includes="all", layers=layers, environment=ENVIRONMENT,
    )  # fmt: skip


def test_the_slowest_layers_come_first_with_their_share_of_all(capsys):
    print_measurements([measured(LAYERS)])
    out = capsys.readouterr().out
    assert "net: slowest of 9 layers, measured by TensorRT's profiler in inferences that it slows" in out
    shown = re.findall(r"^(layer\d) +([\d.]+ ms) +(\d+%)", out, re.M)
    assert [name for name, *_ in shown] == [f"layer{n}" for n in range(9, 1, -1)]
    assert shown[0] == ("layer9", "9.00 ms", "20%")  # of 1 + 2 + ... + 9 = 45 ms


def test_without_layers_there_is_no_such_table(capsys):
    print_measurements([measured(())])
    assert "slowest" not in capsys.readouterr().out


def test_what_a_device_says_of_itself_is_one_line_whatever_it_is(capsys):
    fixed = {"runtime": "x\nbundle  fp32", "board": "a\n\n[/b]", "governor": 5}
    print_measurements([replace(measured(()), environment=replace(ENVIRONMENT, fixed=fixed))])
    assert capsys.readouterr().out.splitlines()[0] == (
        "latency of one inference, measured on ssh://jetson: a [/b], x bundle fp32, governor 5"
    )
