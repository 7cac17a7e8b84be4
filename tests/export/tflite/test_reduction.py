import numpy as np
import pytest

from edgecnn.export.tflite import UnsupportedOperatorError, write

REDUCTIONS = {
    "spatial": ("[2,3]", 1, "1,3,1,1"),
    "spatial, axes dropped": ("[2,3]", 0, "1,3"),
    "from the end": ("[-1,-2]", 0, "1,3"),
    "channels": ("[1]", 1, "1,1,4,5"),
    "channels, axis dropped": ("[1]", 0, "1,4,5"),
}


@pytest.mark.parametrize(("axes", "keep", "out"), REDUCTIONS.values(), ids=REDUCTIONS)
@pytest.mark.parametrize(("operator", "code"), [("ReduceMean", "MEAN"), ("ReduceMax", "REDUCE_MAX")])
def test_a_reduction_by_attribute(graph, compare, operator, code, axes, keep, out):
    body = f"(float[1,3,4,5] x) => (float[{out}] y) {{ y = {operator}<axes={axes}, keepdims={keep}>(x) }}"
    found = compare(graph(body))
    assert found.agrees
    assert found.operators == {code: 1}


def test_what_is_left_in_another_order_is_refused(graph):
    body = "(float[1,3,4,5] x) => (float[1,3,4] y) { y = ReduceMean<axes=[3], keepdims=0>(x) }"
    with pytest.raises(UnsupportedOperatorError, match=r"ReduceMean.*another order"):
        write(graph(body))


def test_a_flattened_image_can_be_summed_but_not_kept(graph, compare):
    body = "(float[1,3,4,5] x) => (float[1,%s] y) { f = Flatten(x) y = ReduceSum(f, axes) }"
    assert compare(graph(body % 1, axes=np.asarray([1]))).agrees
    with pytest.raises(UnsupportedOperatorError, match="keeps the elements of a flattened image"):
        write(graph(body % 60, axes=np.asarray([0])))


@pytest.mark.parametrize(("operator", "opset"), [("ReduceSum", 13), ("ReduceMean", 18)])
def test_a_reduction_by_input(graph, compare, operator, opset):
    body = f"(float[1,3,4,5] x) => (float[1,3] y) {{ y = {operator}<keepdims=0>(x, axes) }}"
    assert compare(graph(body, opset=opset, axes=np.asarray([2, 3]))).agrees


def test_a_reduction_over_everything(graph, compare):
    assert compare(graph("(float[1,3,4,5] x) => (float[1,1,1,1] y) { y = ReduceMean(x) }")).agrees


def test_a_reduction_of_nothing_is_refused(graph):
    body = "(float[1,3] x) => (float[1,3] y) { y = ReduceSum<noop_with_empty_axes=1>(x) }"
    with pytest.raises(UnsupportedOperatorError, match="reduces nothing"):
        write(graph(body))
