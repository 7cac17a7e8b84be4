import pytest

from edgecnn.calls import parse_recipe
from edgecnn.errors import EdgeCnnError
from edgecnn.pipeline.rounding import Sensitivities
from edgecnn.quantize.ladder import Rung, Score
from edgecnn.quantize.sensitivity import LayerSensitivity
from edgecnn.report.quantization_views import print_ladder, print_sensitivities
from edgecnn.report.sensitivity_plot import write_sensitivity_plot

RECORDS = [
    LayerSensitivity(layer="stem", operator="Conv", sqnr_db=31.25, agreement=0.975, parameters=432),
    LayerSensitivity(layer="fc", operator="Gemm", sqnr_db=28.0, agreement=1.0, parameters=64_000),
]


def test_the_ladder_says_what_each_recipe_keeps(capsys):
    kept = Score(what="top-1", value=0.9, drop_points=0.42, low_points=-0.1, high_points=1, n=1000)
    print_ladder([Rung(recipe=tuple(parse_recipe("equalize | int8")), precision="int8", score=kept)])
    shown = capsys.readouterr().out
    assert "measured in ONNX Runtime on 1000 pictures" in shown
    assert "equalize | int8  int8       90.00 %         0.42  -0.10 to 1.00" in shown


def test_the_most_sensitive_layer_stands_first(capsys):
    print_sensitivities(
        Sensitivities(title="n", recipe="int8", layers=tuple(RECORDS), pictures=32, notes=("of digits",))
    )
    lines = capsys.readouterr().out.splitlines()
    assert "measured on 32 pictures" in lines[0]
    assert [line.split()[0] for line in lines[2:4]] == ["fc", "stem"]
    assert "31.2 dB" in lines[3]
    assert lines[-1] == "note: of digits"


@pytest.mark.parametrize("form", ["svg", "html"])
def test_the_plot_names_every_layer(form, tmp_path):
    pytest.importorskip("altair")
    path = tmp_path / f"plot.{form}"
    write_sensitivity_plot("a network", RECORDS, path)
    text = path.read_text()
    assert all(record.layer in text for record in RECORDS)


def test_another_kind_of_picture_is_refused(tmp_path):
    with pytest.raises(EdgeCnnError, match=r"plot\.svg"):
        write_sensitivity_plot("a network", RECORDS, tmp_path / "plot.gif")
