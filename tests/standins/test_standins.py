"""The stand-ins are strict: what a version lacks raises AttributeError, on reading and on setting."""

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def standin():
    name = "tensorrt_standin"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


# By version: a path that exists there, and one that does not.
HAVE = [
    ("8.2.1", "IExecutionContext.execute_async_v2"),
    ("8.2.1", "ICudaEngine.num_bindings"),
    ("8.2.1", "BuilderFlag.FP16"),
    ("8.4.1", "IBuilderConfig.set_memory_pool_limit"),
    ("8.5.1", "IExecutionContext.execute_async_v3"),
    ("8.6.1", "NetworkDefinitionCreationFlag.EXPLICIT_BATCH"),
    ("10.3.0", "NetworkDefinitionCreationFlag.STRONGLY_TYPED"),
    ("10.16.1.11", "BuilderFlag.FP16"),
    ("11.4.0.106", "BuilderFlag.TF32"),
]
LACK = [
    ("8.2.1", "IBuilderConfig.set_memory_pool_limit"),
    ("8.2.1", "MemoryPoolType"),
    ("8.2.1", "TensorIOMode"),
    ("8.2.1", "ICudaEngine.num_io_tensors"),
    ("8.4.1", "IExecutionContext.execute_async_v3"),
    ("8.6.1", "NetworkDefinitionCreationFlag.STRONGLY_TYPED"),
    ("10.3.0", "IBuilderConfig.max_workspace_size"),
    ("10.3.0", "ICudaEngine.num_bindings"),
    ("10.3.0", "IExecutionContext.execute_async_v2"),
    ("11.0.0.114", "BuilderFlag.FP16"),
    ("11.0.0.114", "Builder.platform_has_fast_fp16"),
    ("11.0.0.114", "NetworkDefinitionCreationFlag.EXPLICIT_BATCH"),
]


def has(module, path):
    for name in path.split("."):
        if not hasattr(module, name):
            return False
        module = getattr(module, name)
    return True


@pytest.mark.parametrize(("version", "path"), HAVE, ids=" ".join)
def test_what_a_version_has_is_there(standin, version, path):
    assert has(standin.make_tensorrt(version), path)


@pytest.mark.parametrize(("version", "path"), LACK, ids=" ".join)
def test_what_a_version_lacks_is_not_there(standin, version, path):
    assert not has(standin.make_tensorrt(version), path)


def test_what_a_version_lacks_cannot_be_set(standin):
    old, new = (standin.make_tensorrt(version).IBuilderConfig() for version in ("8.2.1", "10.3.0"))
    old.max_workspace_size = 1 << 20
    assert old.max_workspace_size == 1 << 20
    with pytest.raises(AttributeError, match="max_workspace_size"):
        new.max_workspace_size = 1 << 20


@pytest.mark.parametrize(
    ("version", "flag", "reason"),
    [
        ("8.2.1", None, "fp16 is not configured"),
        ("10.3.0", "FP16", "not allowed for a strongly typed network"),
    ],
)
def test_a_build_with_the_wrong_flags_gives_nothing(standin, version, flag, reason):
    import onnx
    from onnx import TensorProto, helper

    trt = standin.make_tensorrt(version)
    messages = []

    class Log(trt.ILogger):
        def log(self, severity, message):
            messages.append(message)

    half = helper.make_tensor("w", TensorProto.FLOAT16, [1], [1.0])
    value = helper.make_tensor_value_info("w", TensorProto.FLOAT16, [1])
    model = helper.make_model(helper.make_graph([], "g", [], [value], [half]))
    builder, config = trt.Builder(Log()), trt.IBuilderConfig()
    network = builder.create_network(0b11)
    network._onnx = model.SerializeToString()
    assert onnx.load_from_string(network._onnx).graph.initializer[0].name == "w"
    if flag:
        config.set_flag(trt.BuilderFlag.FP16)
    assert builder.build_serialized_network(network, config) is None
    assert reason in messages[-1]
