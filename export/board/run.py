#!/usr/bin/env python3
"""Run this bundle where it lies: verify it, classify a picture, measure its latency.

    python3 run.py verify
    python3 run.py infer picture.jpg --top 5
    python3 run.py bench --runs 100 --threads 1

Every command takes --precision (where the bundle has several), --dla (the engine that was built for a DLA),
--json (one object on stdout) and --out FILE.json (that object beside this script, whole or not at all).
Exit codes: 0 done, 1 failed or refused (one sentence on stderr), 2 wrong usage.

Needs Python 3.6 or newer, numpy, and the runtime that the bundle is for: LiteRT (ai_edge_litert,
tflite_runtime or tensorflow), or NVIDIA TensorRT 8.2 to 11 as JetPack installs it; Pillow for pictures only.

The TensorRT half has been checked against stand-ins of nine TensorRT versions. It has not run on a board yet.
"""

import argparse
import ctypes
import ctypes.util
import glob
import hashlib
import importlib
import io
import json
import math
import operator
import os
import platform
import resource
import select
import struct
import subprocess
import sys
import time
import warnings
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

try:
    import numpy as np
except ImportError:
    sys.exit("run.py needs numpy: pip install numpy (on a Jetson: sudo apt install python3-numpy)")

BUNDLE = os.path.dirname(os.path.abspath(__file__))
FORMAT = 1
NOISY_ABOVE = 0.10  # interquartile range over median
BILINEAR = 2  # Pillow's Image.BILINEAR, which moved to Image.Resampling in 9.1
ARTIFACT_FORMATS = {"litert": "tflite", "tensorrt": "onnx"}
PRECISIONS_BY_SPEED = ("int8", "dynamic", "fp16", "fp32")


class BoardError(Exception):
    """Something that the user can mend, said in one sentence."""


# --------------------------------------------------------------------------------------------- the bundle


def read_json(name: str) -> Dict[str, Any]:
    """Read a JSON object of the bundle."""
    try:
        with open(inside(name), "rb") as file:
            found = json.loads(file.read().decode("utf-8"))
    except FileNotFoundError:
        raise BoardError(f"{name} is missing in {BUNDLE}; copy the whole bundle to the board") from None
    except (OSError, ValueError) as error:
        raise BoardError(f"{name} cannot be read ({error}); copy the bundle again") from error
    if not isinstance(found, dict):
        raise BoardError(f"{name} is damaged: no JSON object; copy the bundle again")
    return found


def inside(name: str) -> str:
    """Return the path of a file of the bundle; refuse a name that leads out of it."""
    path = os.path.normpath(os.path.join(BUNDLE, str(name)))
    if not path.startswith(BUNDLE + os.sep):
        raise BoardError(
            f"manifest.json names {name!r}, which is not inside the bundle; copy the bundle again"
        )
    return path


def read_manifest() -> Dict[str, Any]:
    """Read manifest.json and check that it is of a format this script knows."""
    manifest = read_json("manifest.json")
    if manifest.get("format") != FORMAT:
        raise BoardError(
            f"manifest.json has format {manifest.get('format')!r} and this run.py reads {FORMAT};"
            " use the run.py that came with the bundle"
        )
    if not is_word(look_up(manifest, "runtime")) or manifest["runtime"] not in ARTIFACT_FORMATS:
        raise BoardError(
            f"manifest.json names the runtime {manifest['runtime']!r}; known are litert and tensorrt"
        )
    check_fields(manifest)
    return manifest


def check_fields(manifest: Dict[str, Any]) -> None:
    """Refuse a manifest whose entries are not of the kinds that the commands count on."""
    check_kinds(manifest, "", FIELDS)
    for key, fields in LISTS.items():
        for index, entry in enumerate(entries(manifest, key)):
            check_kinds(entry, f"{key}.{index}.", dict(fields, **given(entry)))
    if "dla" in manifest:
        check_kinds(manifest["dla"], "dla.", dict(LISTS["artifacts"], calibration=is_word))


def given(entry: Dict[str, Any]) -> Dict[str, Callable[[Any], bool]]:
    """Return the tests of those optional fields that an entry has."""
    return {name: is_right for name, is_right in OPTIONAL.items() if name in entry}


def check_kinds(found: Dict[str, Any], where: str, fields: Dict[str, Callable[[Any], bool]]) -> None:
    """Refuse an entry that is missing or of the wrong kind, by its name."""
    for name, is_right in fields.items():
        value = look_up(found, *name.split("."))
        if not is_right(value):
            raise BoardError(f"manifest.json is damaged: {where}{name} is {value!r}; copy the bundle again")


def is_word(value: Any) -> bool:
    """Return whether a value of the manifest is a text that is not empty."""
    return isinstance(value, str) and bool(value)


def is_number(value: Any) -> bool:
    """Return whether a value of the manifest is a number, and not a huge or endless one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e30


def is_size(value: Any) -> bool:
    """Return whether a value of the manifest is a whole number of at least 1."""
    return is_number(value) and isinstance(value, int) and value >= 1


def list_of(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a test for a list, not empty, of values that pass another test."""
    return lambda value: isinstance(value, list) and bool(value) and all(map(is_right, value))


def one_of(*words: str) -> Callable[[Any], bool]:
    """Return a test for one of the words."""
    return lambda value: is_word(value) and value in words


FIELDS = {
    "input.shape": list_of(is_size),
    "output.shape": list_of(is_size),
    "sample.input": is_word,
    "sample.output": is_word,
    "preprocessing.channel_order": one_of("RGB", "BGR", "L", "raw"),
    "preprocessing.height": is_size,
    "preprocessing.width": is_size,
    "preprocessing.resize": one_of("squash", "crop"),
    "preprocessing.crop": lambda value: is_number(value) and 0 < value <= 1,
    "preprocessing.mean": list_of(is_number),
    "preprocessing.std": list_of(lambda value: is_number(value) and value > 0),
}
LISTS = {
    "artifacts": {
        "path": is_word,
        "format": is_word,
        "precision": one_of(*PRECISIONS_BY_SPEED),
        "layout": one_of("NHWC", "NCHW"),
        "max_abs_error_allowed": is_number,
    },
    "files": {"path": is_word, "bytes": lambda value: value == 0 or is_size(value), "sha256": is_word},
}  # type: Dict[str, Dict[str, Callable[[Any], bool]]]
OPTIONAL = {
    "expected": is_word,  # the outputs to give, where they are not those of the float graph
    "rest": one_of("fp16", "fp32"),  # what int8 leaves in float
    # the precision asked of each layer with weights
    "layers": lambda value: isinstance(value, dict) and all(map(is_word, value.values())),
    "accelerator": one_of(),  # this script's own word for what `dla` holds: none is right
}  # type: Dict[str, Callable[[Any], bool]]


def look_up(manifest: Dict[str, Any], *keys: Any) -> Any:
    """Return an entry of the manifest, or say which one is missing."""
    found = manifest  # type: Any
    try:
        for key in keys:
            found = found[key]
    except (KeyError, IndexError, TypeError):
        raise BoardError(
            f"manifest.json is damaged: no {'.'.join(map(str, keys))}; copy the bundle again"
        ) from None
    return found


def entries(manifest: Dict[str, Any], key: str) -> List[Dict[str, Any]]:
    """Return a list of objects of the manifest."""
    found = look_up(manifest, key)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise BoardError(f"manifest.json is damaged: {key} is no list of objects; copy the bundle again")
    return found


def listed_files(manifest: Dict[str, Any]) -> Dict[str, Dict[str, Any]]:
    """Return the manifest's entry of every file, by its path."""
    return {str(look_up(each, "path")): each for each in entries(manifest, "files")}


def artifacts(manifest: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Return the artifacts that the bundle's runtime reads."""
    wanted = ARTIFACT_FORMATS[manifest["runtime"]]
    listed = entries(manifest, "artifacts")
    if "dla" in manifest:
        listed = listed + [dict(manifest["dla"], accelerator="dla")]
    found = [each for each in listed if look_up(each, "format") == wanted]
    if not found:
        raise BoardError(f"manifest.json lists no {wanted} artifact; copy the bundle again")
    return found


def with_precision(
    found: List[Dict[str, Any]], precision: Optional[str], dla: bool = False
) -> List[Dict[str, Any]]:
    """Keep the artifacts of one precision, or all of them, the fastest first; with `dla` those for a DLA."""
    if dla:
        found = [each for each in found if "accelerator" in each]
        if not found:
            raise BoardError(
                "the bundle has nothing for a DLA; export it with --int8 for a board that has one"
            )
    kept = [each for each in found if precision in (None, look_up(each, "precision"))]
    if not kept:
        have = ", ".join(sorted({each["precision"] for each in found}))
        where = " for a DLA" if dla else ""
        raise BoardError(f"the bundle has no {precision} artifact{where}; it has {have}")
    return sorted(kept, key=lambda each: PRECISIONS_BY_SPEED.index(each["precision"]))


def engine_name(artifact: Dict[str, Any]) -> str:
    """Return the name of the engine that build_engine.py makes of an ONNX artifact."""
    return ".".join(["model", look_up(artifact, "precision"), *accelerator(artifact), "engine"])


def accelerator(artifact: Dict[str, Any]) -> List[str]:
    """Return what runs an artifact beside the GPU, `dla` or nothing."""
    return [artifact["accelerator"]] if "accelerator" in artifact else []


def title(artifact: Dict[str, Any]) -> str:
    """Return what people call an artifact: its precision, and where it runs if that is not the GPU."""
    return " on the ".join([artifact["precision"], *(name.upper() for name in accelerator(artifact))])


def runnable(manifest: Dict[str, Any], options: argparse.Namespace) -> List[Dict[str, Any]]:
    """Return the artifacts that can be run here, the fastest first; for TensorRT those with an engine."""
    found = with_precision(artifacts(manifest), options.precision, options.dla)
    if manifest["runtime"] == "litert":
        return found
    built = [each for each in found if os.path.exists(inside(engine_name(each)))]
    if not built:
        flag = f" --precision {options.precision}" if options.precision else ""
        flag = " --dla CORE" if options.dla else flag
        raise BoardError(f"no engine has been built here yet: run python3 build_engine.py{flag} first")
    return built


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def expected_file(manifest: Dict[str, Any], artifact: Dict[str, Any]) -> str:
    """Return the file with an artifact's outputs: those of the float graph, or of the int8 graph it is."""
    return str(artifact.get("expected") or look_up(manifest, "sample", "output"))


def write_whole(name: str, data: bytes) -> None:
    """Write a file of the bundle that is there whole or not at all."""
    path = inside(name)
    try:
        with open(path + ".partial", "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".partial", path)
    except OSError as error:
        if os.path.exists(path + ".partial"):
            os.remove(path + ".partial")
        raise BoardError(f"{name} cannot be written: {error.strerror or error}") from error


def npy(values: np.ndarray) -> bytes:
    """Return the content of a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values), allow_pickle=False)
    return buffer.getvalue()


def load_array(name: str) -> np.ndarray:
    """Read a float32 array of the bundle."""
    try:
        found = np.load(inside(name), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BoardError(f"{name} cannot be read ({error}); copy the bundle again") from error
    return np.asarray(found, dtype=np.float32)


def samples(manifest: Dict[str, Any], artifact: Dict[str, Any]) -> Tuple[np.ndarray, np.ndarray]:
    """Return the sample inputs (n, c, h, w) and the outputs that the artifact should give for them."""
    given = load_array(look_up(manifest, "sample", "input"))
    expected = load_array(expected_file(manifest, artifact))
    shape = tuple(look_up(manifest, "input", "shape"))
    if given.shape[1:] != shape[1:] or len(given) != len(expected) or not len(given):
        raise BoardError(
            f"the sample has shape {given.shape} and the model takes {shape}; copy the bundle again"
        )
    return given, expected


# --------------------------------------------------------------------------------------------- LiteRT

LITERT_MODULES = (
    ("ai_edge_litert.interpreter", "Interpreter"),
    ("tflite_runtime.interpreter", "Interpreter"),
    ("tensorflow", "lite.Interpreter"),
)


def load_litert() -> Tuple[Callable[..., Any], str]:
    """Return the interpreter's class and the name with version of the first LiteRT that is installed."""
    reasons = []
    for module_name, attribute in LITERT_MODULES:
        try:
            module = importlib.import_module(module_name)
        except ImportError as error:
            reasons.append(str(error))
            continue
        package = module_name.split(".")[0]
        return operator.attrgetter(attribute)(module), f"{package} {version_of(package)}"
    raise BoardError(
        "no LiteRT runtime is installed: pip install ai-edge-litert (Python 3.10 or newer),"
        f" or pip install tflite-runtime 'numpy<2' ({'; '.join(reasons)})"
    )


def version_of(package: str) -> str:
    """Return the version of an installed package, or `unknown`."""
    version = getattr(sys.modules.get(package), "__version__", None)
    if version is not None:
        return str(version)
    try:
        metadata = importlib.import_module("importlib.metadata")  # Python 3.8 and newer
        return str(metadata.version(package.replace("_", "-")))
    except (ImportError, LookupError):
        return "unknown"


class LiteRtRunner:
    """A .tflite file; called with one float32 batch (n, c, h, w), returns float32, (n, c, h, w) where 4-D."""

    includes = "the runtime's call alone; the input lies in its tensor before"

    def __init__(self, artifact: Dict[str, Any], threads: int) -> None:
        make, self.runtime = load_litert()
        self.threads = threads  # type: Optional[int]
        self.channels_last = look_up(artifact, "layout") == "NHWC"
        path = inside(look_up(artifact, "path"))
        try:
            self.interpreter = make(model_path=path, num_threads=threads)
            self.interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BoardError(f"{self.runtime} cannot load {artifact['path']}: {first_line(error)}") from error
        self.input = self.interpreter.get_input_details()[0]
        self.output = self.interpreter.get_output_details()[0]

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Run one batch of the model's own size."""
        self.load(batch)
        self.step()
        result = from_tensor(self.interpreter.get_tensor(self.output["index"]), self.output)
        return result.transpose(0, 3, 1, 2) if self.channels_last and result.ndim == 4 else result

    def load(self, batch: np.ndarray) -> None:
        """Put a batch into the input tensor, in its layout and type."""
        if self.channels_last and batch.ndim == 4:
            batch = np.ascontiguousarray(batch.transpose(0, 2, 3, 1))
        try:
            self.interpreter.set_tensor(self.input["index"], to_tensor(batch, self.input))
        except (ValueError, RuntimeError) as error:
            raise BoardError(f"{self.runtime} failed: {first_line(error)}") from error

    def step(self) -> None:
        """Run once what was loaded; this is what is timed."""
        try:
            self.interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise BoardError(f"{self.runtime} failed: {first_line(error)}") from error

    def layers(self, _runs: int) -> List[Dict[str, Any]]:
        """Return nothing: LiteRT's Python interface gives no times by layer."""
        return []

    def environment(self) -> Dict[str, Any]:
        """Return what else the runtime says about itself."""
        return {}

    def close(self) -> None:
        """Let go of the model."""


def to_tensor(values: np.ndarray, detail: Dict[str, Any]) -> np.ndarray:
    """Return the values in the tensor's type: q = round(x / scale) + zero_point where it is quantized."""
    scale, zero_point = detail["quantization"]
    if not scale:
        return values.astype(detail["dtype"])
    limits = np.iinfo(detail["dtype"])
    clipped = np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max)  # type: np.ndarray
    return clipped.astype(detail["dtype"])


def from_tensor(values: np.ndarray, detail: Dict[str, Any]) -> np.ndarray:
    """Return the tensor as float32: x = (q - zero_point) * scale where it is quantized."""
    scale, zero_point = detail["quantization"]
    if not scale:
        return values.astype(np.float32)
    real = (values.astype(np.float32) - zero_point) * np.float32(scale)  # type: np.ndarray
    return real.astype(np.float32)


# --------------------------------------------------------------------------------------------- CUDA

CUDA_LIBRARIES = (
    "libcudart.so",
    "libcudart.so.13",
    "libcudart.so.12",
    "libcudart.so.11.0",
    "libcudart.so.10.2",
)
CUDA_FOLDERS = (
    "/usr/local/cuda/lib64",
    "/usr/local/cuda/targets/aarch64-linux/lib",
    "/usr/local/cuda-*/lib64",
)

POINTER_OUT = ctypes.POINTER(ctypes.c_void_p)
INT_OUT = ctypes.POINTER(ctypes.c_int)
SIZE_OUT = ctypes.POINTER(ctypes.c_size_t)
CUDA_FUNCTIONS = {
    "cudaGetDeviceCount": [INT_OUT],
    "cudaSetDevice": [ctypes.c_int],
    "cudaDeviceGetAttribute": [INT_OUT, ctypes.c_int, ctypes.c_int],
    "cudaGetDeviceProperties": [ctypes.c_char_p, ctypes.c_int],
    "cudaMemGetInfo": [SIZE_OUT, SIZE_OUT],
    "cudaMalloc": [POINTER_OUT, ctypes.c_size_t],
    "cudaFree": [ctypes.c_void_p],
    "cudaMemcpy": [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int],
    "cudaStreamCreate": [POINTER_OUT],
    "cudaStreamSynchronize": [ctypes.c_void_p],
    "cudaStreamDestroy": [ctypes.c_void_p],
}  # type: Dict[str, List[Any]]
TO_DEVICE, TO_HOST = 1, 2  # cudaMemcpyKind
MEMORY_ALLOCATION = 2  # cudaErrorMemoryAllocation
CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76  # cudaDeviceAttr
# cudaDeviceProp opens with `char name[256]` in every CUDA; its size, about 1000 bytes, differs.
PROPERTIES_BYTES = 16384


def open_cuda() -> Any:
    """Return the board's CUDA memory, through libcudart or, where that cannot be found, through pycuda."""
    library = load_cudart()
    return CudaRuntime(library) if library is not None else PyCuda()


def load_cudart() -> Any:
    """Return the CUDA runtime library, or None."""
    # The last are those of pip install tensorrt.
    folders = CUDA_FOLDERS + tuple(os.path.join(path, "nvidia", "*", "lib") for path in sys.path if path)
    found = [path for folder in folders for path in sorted(glob.glob(os.path.join(folder, "libcudart.so*")))]
    for name in filter(None, (ctypes.util.find_library("cudart"),) + CUDA_LIBRARIES + tuple(found)):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


class CudaRuntime:
    """CUDA memory and one stream, through the C functions of libcudart."""

    def __init__(self, library: Any) -> None:
        self.library = library
        library.cudaGetErrorString.restype = ctypes.c_char_p
        library.cudaGetErrorString.argtypes = [ctypes.c_int]
        for name, types in CUDA_FUNCTIONS.items():
            getattr(library, name).argtypes = types
            getattr(library, name).restype = ctypes.c_int
        count = ctypes.c_int()
        self.call("cudaGetDeviceCount", ctypes.byref(count))
        if count.value < 1:
            raise BoardError("CUDA finds no GPU on this machine")
        self.call("cudaSetDevice", 0)
        stream = ctypes.c_void_p()
        self.call("cudaStreamCreate", ctypes.byref(stream))
        self.stream = int(stream.value or 0)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function and turn its error code into a sentence."""
        code = getattr(self.library, name)(*arguments)
        if code == MEMORY_ALLOCATION:
            free, total = self.memory() if name != "cudaMemGetInfo" else (0, 0)
            raise BoardError(
                f"out of GPU memory in {name} ({free >> 20} of {total >> 20} MiB free);"
                " close other programs and try again"
            )
        if code:
            said = self.library.cudaGetErrorString(code)
            raise BoardError(f"{name} failed with CUDA error {code}: {said.decode() if said else 'unknown'}")

    def allocate(self, count: int) -> int:
        """Return the address of `count` bytes of GPU memory."""
        address = ctypes.c_void_p()
        self.call("cudaMalloc", ctypes.byref(address), count)
        return int(address.value or 0)

    def free(self, address: int) -> None:
        """Give memory back."""
        self.call("cudaFree", address)

    def upload(self, address: int, values: np.ndarray) -> None:
        """Copy a contiguous array to the GPU."""
        self.call("cudaMemcpy", address, values.ctypes.data, values.nbytes, TO_DEVICE)

    def download(self, values: np.ndarray, address: int) -> None:
        """Copy GPU memory into a contiguous array."""
        self.call("cudaMemcpy", values.ctypes.data, address, values.nbytes, TO_HOST)

    def synchronize(self) -> None:
        """Wait until everything on the stream is done."""
        self.call("cudaStreamSynchronize", self.stream)

    def memory(self) -> Tuple[int, int]:
        """Return the bytes of GPU memory, free and total."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self.call("cudaMemGetInfo", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def gpu(self) -> Dict[str, str]:
        """Return the GPU's name and compute capability."""
        properties = ctypes.create_string_buffer(PROPERTIES_BYTES)
        self.call("cudaGetDeviceProperties", properties, 0)
        digits = []
        for attribute in (CAPABILITY_MAJOR, CAPABILITY_MINOR):
            value = ctypes.c_int()
            self.call("cudaDeviceGetAttribute", ctypes.byref(value), attribute, 0)
            digits.append(str(value.value))
        return {"name": properties.value.decode("ascii", "replace"), "sm": ".".join(digits)}

    def close(self) -> None:
        """Give the stream back."""
        self.call("cudaStreamDestroy", self.stream)


class PyCuda:
    """The same through pycuda, for boards on which libcudart cannot be found."""

    def __init__(self) -> None:
        try:
            importlib.import_module("pycuda.autoinit")
            self.driver = importlib.import_module("pycuda.driver")
        except ImportError:
            raise BoardError(
                "libcudart cannot be found: add CUDA's lib64 folder to LD_LIBRARY_PATH"
                " (on a Jetson: export LD_LIBRARY_PATH=/usr/local/cuda/lib64), or pip install pycuda"
            ) from None
        self._stream = self.driver.Stream()
        self.stream = int(self._stream.handle)
        self.held = {}  # type: Dict[int, Any]

    def allocate(self, count: int) -> int:
        """Return the address of `count` bytes of GPU memory."""
        try:
            memory = self.driver.mem_alloc(count)
        except self.driver.Error as error:
            raise BoardError(
                f"out of GPU memory for {count} bytes ({error}); close other programs and try again"
            ) from error
        self.held[int(memory)] = memory
        return int(memory)

    def free(self, address: int) -> None:
        """Give memory back."""
        self.held.pop(address).free()

    def upload(self, address: int, values: np.ndarray) -> None:
        """Copy a contiguous array to the GPU."""
        self.driver.memcpy_htod(address, values)

    def download(self, values: np.ndarray, address: int) -> None:
        """Copy GPU memory into a contiguous array."""
        self.driver.memcpy_dtoh(values, address)

    def synchronize(self) -> None:
        """Wait until everything on the stream is done."""
        self._stream.synchronize()

    def memory(self) -> Tuple[int, int]:
        """Return the bytes of GPU memory, free and total."""
        free, total = self.driver.mem_get_info()
        return int(free), int(total)

    def gpu(self) -> Dict[str, str]:
        """Return the GPU's name and compute capability."""
        device = self.driver.Device(0)
        return {"name": str(device.name()), "sm": ".".join(map(str, device.compute_capability()))}

    def close(self) -> None:
        """Nothing: pycuda gives the stream back itself."""


# --------------------------------------------------------------------------------------------- TensorRT

TYPES = {"FLOAT": np.float32, "HALF": np.float16}  # an engine does not say how int8 ends are scaled
ERROR_SEVERITY = 1  # ILogger.Severity: INTERNAL_ERROR 0, ERROR 1, WARNING 2


def load_tensorrt() -> Any:
    """Return the tensorrt module."""
    try:
        return importlib.import_module("tensorrt")
    except (ImportError, OSError) as error:
        raise BoardError(
            f"the Python module tensorrt cannot be loaded ({first_line(error)}): on a Jetson it comes with"
            " JetPack (sudo apt install python3-libnvinfer) and is not seen inside a virtual environment"
            " made without --system-site-packages; elsewhere: pip install tensorrt"
        ) from error


def make_logger(tensorrt: Any) -> Any:
    """Return a TensorRT logger that keeps the errors instead of printing them."""

    class Errors(tensorrt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)
            self.errors = []  # type: List[str]

        def log(self, severity: Any, message: str) -> None:
            if int(severity) <= ERROR_SEVERITY:
                self.errors.append(message)

    return Errors()


def said(logger: Any, otherwise: str) -> str:
    """Return the last error that TensorRT logged."""
    return first_line(logger.errors[-1]) if logger.errors else otherwise


class TensorRtRunner:
    """A built engine; called with one float32 batch (n, c, h, w), returns float32."""

    includes = "copying the input to the GPU and the output back"

    def __init__(self, artifact: Dict[str, Any], files: Dict[str, str]) -> None:
        self.tensorrt = load_tensorrt()
        self.runtime = f"tensorrt {self.tensorrt.__version__}"
        self.threads = None  # type: Optional[int]
        self.name = engine_name(artifact)
        flag = "--dla CORE" if accelerator(artifact) else f"--precision {artifact['precision']}"
        self.rebuild = f"run python3 build_engine.py {flag} again"
        self.dla_core = None  # type: Optional[int]
        self.cuda = open_cuda()
        self.memory = {}  # type: Dict[str, int]
        self.check_record(artifact, files)
        self.logger = make_logger(self.tensorrt)
        self.engine = self.deserialize()
        self.context = self.engine.create_execution_context()
        if self.context is None:
            raise BoardError(f"no room to run {self.name}: {said(self.logger, 'TensorRT gave no reason')}")
        self.tensors = list(self.list_tensors())
        self.prepare()

    def check_record(self, artifact: Dict[str, Any], files: Dict[str, str]) -> None:
        """Refuse an engine of another model, TensorRT or GPU, and one that is damaged."""
        record = read_engine_record(self.name, self.rebuild)
        now = {
            "onnx_sha256": files.get(look_up(artifact, "path")),
            "tensorrt": self.tensorrt.__version__,
            "gpu": self.cuda.gpu(),
            "sha256": sha256_of(inside(self.name)),
        }
        if accelerator(artifact):
            now["calibration_sha256"] = files.get(look_up(artifact, "calibration"))
            self.dla_core = record.get("dla_core")
        words = {"onnx_sha256": "another model", "sha256": "a file that has changed since"}
        words["calibration_sha256"] = "other scales"
        for key, value in now.items():
            if record.get(key) != value:
                was = words.get(key) or f"{key} {record.get(key)} and this board has {value}"
                raise BoardError(f"{self.name} was built from {was}; {self.rebuild}")
        if accelerator(artifact) and not (is_number(self.dla_core) and isinstance(self.dla_core, int)):
            raise BoardError(f"{self.name}.json does not say for which DLA it was built; {self.rebuild}")

    def deserialize(self) -> Any:
        """Return the engine."""
        with open(inside(self.name), "rb") as file:
            plan = file.read()
        self.reader = self.tensorrt.Runtime(self.logger)
        if self.dla_core is not None:
            self.reader.DLA_core = self.dla_core
        engine = self.reader.deserialize_cuda_engine(plan)
        if engine is None:
            raise BoardError(
                f"TensorRT {self.tensorrt.__version__} cannot read {self.name}"
                f" ({said(self.logger, 'no reason given')}); {self.rebuild}"
            )
        return engine

    def list_tensors(self) -> Iterator[Tuple[str, Tuple[int, ...], str, bool]]:
        """Yield name, shape, type and whether it is an input, of each tensor in the engine's order."""
        engine = self.engine
        if hasattr(engine, "num_io_tensors"):  # TensorRT 8.5 and newer
            for index in range(engine.num_io_tensors):
                name = engine.get_tensor_name(index)
                is_input = engine.get_tensor_mode(name).name == "INPUT"
                yield name, tuple(engine.get_tensor_shape(name)), engine.get_tensor_dtype(name).name, is_input
            return
        for index in range(engine.num_bindings):
            name, shape = engine.get_binding_name(index), tuple(engine.get_binding_shape(index))
            yield name, shape, engine.get_binding_dtype(index).name, engine.binding_is_input(index)

    def prepare(self) -> None:
        """Allocate host and GPU memory for each tensor."""
        inputs = [each for each in self.tensors if each[3]]
        outputs = [each for each in self.tensors if not each[3]]
        if len(inputs) != 1 or len(outputs) != 1:
            raise BoardError(
                f"{self.name} has {len(inputs)} inputs and {len(outputs)} outputs; one of each is run"
            )
        self.input, self.output = (self.host_array(each) for each in (inputs[0], outputs[0]))
        for name, shape, kind, _ in self.tensors:
            self.memory[name] = self.cuda.allocate(int(np.prod(shape)) * np.dtype(TYPES[kind]).itemsize)
        self.addresses = [self.memory[each[0]] for each in self.tensors]
        self.from_host, self.to_host = self.memory[inputs[0][0]], self.memory[outputs[0][0]]
        self.by_name = hasattr(self.context, "execute_async_v3")  # TensorRT 8.5 and newer
        if self.by_name:
            for name, address in self.memory.items():
                self.context.set_tensor_address(name, address)

    def host_array(self, tensor: Tuple[str, Tuple[int, ...], str, bool]) -> np.ndarray:
        """Return an array of a tensor's shape and type."""
        name, shape, kind, _ = tensor
        if kind not in TYPES or min(shape) < 1:
            raise BoardError(
                f"tensor {name} of {self.name} has type {kind} and shape {shape}; {self.rebuild}"
            )
        return np.zeros(shape, TYPES[kind])

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Run one batch of the engine's own size."""
        self.load(batch)
        self.step()
        return self.output.astype(np.float32)

    def load(self, batch: np.ndarray) -> None:
        """Put a batch into the host's memory, in the engine's type."""
        if batch.shape != self.input.shape:
            raise BoardError(
                f"{self.name} takes {self.input.shape} and was given {batch.shape}; {self.rebuild}"
            )
        self.input[...] = batch

    def step(self) -> None:
        """Copy what was loaded to the GPU, run it, and copy the output back; this is what is timed."""
        self.cuda.upload(self.from_host, self.input)
        if self.by_name:
            done = self.context.execute_async_v3(self.cuda.stream)
        else:
            done = self.context.execute_async_v2(self.addresses, self.cuda.stream)
        if not done:
            raise BoardError(f"TensorRT failed to run {self.name}: {said(self.logger, 'no reason given')}")
        self.cuda.synchronize()
        self.cuda.download(self.output, self.to_host)

    def layers(self, runs: int) -> List[Dict[str, Any]]:
        """Return the median seconds of each layer, over further inferences of what was loaded."""
        import layer_times  # type: ignore[import-not-found]  # of the same bundle

        return list(layer_times.measure(self, runs))

    def environment(self) -> Dict[str, Any]:
        """Return the GPU and its memory."""
        free, total = self.cuda.memory()
        found = {"gpu": self.cuda.gpu(), "gpu_memory_free_bytes": free, "gpu_memory_bytes": total}
        return found if self.dla_core is None else dict(found, dla_core=self.dla_core)

    def close(self) -> None:
        """Give the memory back."""
        for address in self.memory.values():
            self.cuda.free(address)
        self.memory = {}
        self.cuda.close()


def read_engine_record(name: str, rebuild: str) -> Dict[str, Any]:
    """Read what build_engine.py wrote beside an engine."""
    if not os.path.exists(inside(name + ".json")):
        raise BoardError(f"{name}.json is missing, so nobody knows what {name} was built for; {rebuild}")
    try:
        return read_json(name + ".json")
    except BoardError:
        raise BoardError(f"{name}.json is damaged; {rebuild}") from None


# --------------------------------------------------------------------------------------------- pictures

ALPHA_MODES = ("LA", "La", "RGBA", "RGBa", "PA")
ORIENTATION = 0x0112  # the tag of EXIF
# What turns a picture upright, by its orientation, as numbers of Pillow's Image.transpose.
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
# What Pillow raises on a file that is no picture, or a broken one.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, struct.error)


def read_picture(path: str, contract: Dict[str, Any], shape: Tuple[int, ...]) -> np.ndarray:
    """Return a picture, or a .npy array that is preprocessed already, as the model's input (1, c, h, w)."""
    if path.endswith(".npy"):
        return read_input_array(path, shape)
    if look_up(contract, "channel_order") == "raw":
        raise BoardError("this model takes arrays, not pictures: give a .npy file of float32 " + str(shape))
    try:
        from PIL import Image
    except ImportError:
        raise BoardError(
            "Pillow is needed to read pictures: pip install pillow (or sudo apt install python3-pil)"
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of corrupt metadata and of large pictures
            with Image.open(path) as opened:
                mode = "L" if contract["channel_order"] == "L" else "RGB"
                picture = resize(pixels_of(Image, opened).convert(mode), contract)
    except FileNotFoundError:
        raise BoardError(f"{path} does not exist") from None
    except UNREADABLE + (Image.DecompressionBombError,) as error:
        raise BoardError(f"{path} is not a picture that Pillow can read: {first_line(error)}") from error
    return normalize(np.asarray(picture, np.float32), contract)


def pixels_of(pillow: Any, opened: Any) -> Any:
    """Return an opened picture as it is seen: upright, in 8 bits, what is transparent over white."""
    form = opened.format
    opened.load()
    turn = TURNS.get(orientation(opened))
    picture = eight_bits(pillow, opened, form)
    if turn is not None:
        picture = picture.transpose(turn)
    if picture.mode in ALPHA_MODES or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        picture = pillow.alpha_composite(pillow.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return picture


def orientation(picture: Any) -> Any:
    """Return the EXIF orientation, 1 to 8, or None; before Pillow 6 of JPEG files only."""
    try:
        read = picture.getexif if hasattr(picture, "getexif") else getattr(picture, "_getexif", None)
        found = read() if read is not None else None
        return found.get(ORIENTATION) if found is not None else None
    except UNREADABLE:  # the metadata only: the pixels have been read
        return None


def eight_bits(pillow: Any, picture: Any, form: Optional[str]) -> Any:
    """Keep the upper 8 of 16 bits; refuse pixels that have no highest value."""
    if picture.mode.startswith("I;16") or (picture.mode == "I" and form in ("PNG", "PPM")):
        return pillow.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError(f"its pixels are of mode {picture.mode}, which has no highest value; save 8 bits")
    return picture


def read_input_array(path: str, shape: Tuple[int, ...]) -> np.ndarray:
    """Read an input saved as .npy, of the model's shape with or without the batch axis."""
    try:
        values = np.asarray(np.load(path, allow_pickle=False), np.float32)
    except FileNotFoundError:
        raise BoardError(f"{path} does not exist") from None
    except (OSError, ValueError, EOFError) as error:
        raise BoardError(f"{path} is not a numpy array: {first_line(error)}") from error
    if values.shape not in (shape, shape[1:]):
        raise BoardError(f"{path} has shape {values.shape} and the model takes {shape}")
    return np.ascontiguousarray(values.reshape(shape))


def resize(picture: Any, contract: Dict[str, Any]) -> Any:
    """Bring a picture to the model's size: `squash` it, or scale it to cover and `crop` the centre."""
    height, width = look_up(contract, "height"), look_up(contract, "width")
    if look_up(contract, "resize") == "squash":
        return picture.resize((width, height), BILINEAR)
    size = covering(picture.size, (width, height), look_up(contract, "crop"))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return picture.resize(size, BILINEAR).crop((left, top, left + width, top + height))


def covering(size: Tuple[int, int], side: Tuple[int, int], crop: float) -> Tuple[int, int]:
    """Return the least size of the picture's ratio that covers round(side / crop); halves are rounded up."""
    width, height = size
    box_w, box_h = (math.floor(pixels / crop + 0.5) for pixels in side)
    if width * box_h <= height * box_w:
        return box_w, (2 * height * box_w + width) // (2 * width)
    return (2 * width * box_h + height) // (2 * height), box_h


def normalize(pixels: np.ndarray, contract: Dict[str, Any]) -> np.ndarray:
    """Return pixels (h, w) or (h, w, c) in 0..255 as (x / 255 - mean) / std, (1, c, h, w)."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if contract["channel_order"] == "BGR":
        pixels = pixels[:, :, ::-1]
    mean = np.asarray(look_up(contract, "mean"), np.float32)
    std = np.asarray(look_up(contract, "std"), np.float32)
    if not len(mean) == len(std) == pixels.shape[2]:
        raise BoardError(
            "manifest.json is damaged: mean and std are not one number a channel; copy the bundle again"
        )
    scaled = (pixels / np.float32(255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], dtype=np.float32)


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Return the softmax of logits; scores that are probabilities already are returned as they are."""
    if scores.min() >= 0 and scores.max() <= 1 and abs(float(scores.sum()) - 1) < 1e-3:
        return scores
    powers = np.exp(scores.astype(np.float64) - scores.max())
    return np.asarray(powers / powers.sum())


# --------------------------------------------------------------------------------------------- checks


def check_files(manifest: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Compare every file's size and SHA-256 with the manifest's, if that is whole itself."""
    checks = [manifest_check()]
    if not checks[0]["ok"]:
        return checks
    listed = listed_files(manifest)
    needed = [look_up(manifest, "sample", "input"), look_up(manifest, "sample", "output")]
    for artifact in artifacts(manifest):
        needed += [look_up(artifact, "path"), expected_file(manifest, artifact)]
        needed += [artifact["calibration"]] if accelerator(artifact) else []
    checks += [file_check(path, listed.get(path)) for path in sorted(set(needed) | set(listed))]
    return checks


def file_check(path: str, entry: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """Check one file of the bundle."""
    reason, where = "", inside(path)
    if entry is None:
        reason = "not listed in manifest.json"
    elif not os.path.isfile(where):
        reason = "missing"
    elif os.path.getsize(where) != look_up(entry, "bytes"):
        reason = f"has {os.path.getsize(where)} bytes, manifest.json says {entry['bytes']}"
    elif sha256_of(where) != look_up(entry, "sha256"):
        reason = "its SHA-256 is not the one in manifest.json"
    return {"check": f"file {path}", "ok": not reason, "detail": reason}


def manifest_check() -> Dict[str, Any]:
    """Check the manifest's own SHA-256: that of its bytes with an empty one in its place."""
    digest = read_json("manifest.json").get("sha256")
    with open(inside("manifest.json"), "rb") as file:
        parts = file.read().split(f'"sha256": "{digest}"'.encode("utf-8"))
    same = len(parts) == 2 and hashlib.sha256(b'"sha256": ""'.join(parts)).hexdigest() == digest
    return {"check": "file manifest.json", "ok": same, "detail": "" if same else "its SHA-256 is not its own"}


def require_whole_manifest() -> None:
    """Refuse to work from a manifest that has changed."""
    if not manifest_check()["ok"]:
        raise BoardError("manifest.json has changed since the bundle was made; copy the bundle again")


def outputs(manifest: Dict[str, Any], given: np.ndarray, runner: Any) -> np.ndarray:
    """Return the outputs for every image of the sample."""
    batch = look_up(manifest, "input", "shape")[0]
    return np.concatenate([runner(given[start : start + batch]) for start in range(0, len(given), batch)])


def check_outputs(
    manifest: Dict[str, Any], artifact: Dict[str, Any], runner: Any, keep: Optional[str] = None
) -> Dict[str, Any]:
    """Compare the artifact's outputs for the sample with those it should give; `keep` them in a file."""
    given, expected = samples(manifest, artifact)
    result = outputs(manifest, given, runner)
    if keep is not None:
        write_whole(keep, npy(result))
    allowed = float(look_up(artifact, "max_abs_error_allowed"))
    check = {"check": f"outputs of {title(artifact)}", "max_abs_error_allowed": allowed}
    if result.shape != expected.shape:
        return dict(check, ok=False, detail=f"shape {result.shape}, expected {expected.shape}")
    error = float(np.max(np.abs(result.astype(np.float64) - expected)))
    # Written so that a NaN is a failure.
    within = bool(error <= allowed)
    detail = f"differ by up to {error:.3g}, allowed {allowed:.3g}"
    return dict(check, ok=within, max_abs_error=error if np.isfinite(error) else None, detail=detail)


def open_runner(manifest: Dict[str, Any], artifact: Dict[str, Any], threads: int) -> Any:
    """Return a runner for an artifact, on the bundle's runtime."""
    if manifest["runtime"] == "litert":
        return LiteRtRunner(artifact, threads)
    files = {path: look_up(each, "sha256") for path, each in listed_files(manifest).items()}
    return TensorRtRunner(artifact, files)


def require_parity(manifest: Dict[str, Any], artifact: Dict[str, Any], runner: Any) -> Dict[str, Any]:
    """Refuse to go on where the outputs are wrong: a latency of wrong outputs is worth nothing."""
    check = check_outputs(manifest, artifact, runner)
    if not check["ok"]:
        raise BoardError(f"{check['check']} are wrong ({check['detail']}); run python3 run.py verify")
    return check


# --------------------------------------------------------------------------------------------- the board

SENSORS = {
    "temperature_mc": "/sys/class/thermal/thermal_zone*/temp",
    "clock_khz": "/sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq",
    "governor": "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
    "power_uw": "/sys/class/hwmon/hwmon*/power*_input",
}
COMMANDS = {"throttled": ["vcgencmd", "get_throttled"], "power_mode": ["nvpmodel", "-q"]}
RAILS = "/sys/class/hwmon/hwmon*/curr*_input"  # mA; the voltage beside it in mV: INA3221 of the Jetsons
MOST_SAID = 4096


def sense() -> Dict[str, Any]:
    """Return temperatures, clocks, governors and power; what the board does not tell is left out."""
    found = {}  # type: Dict[str, Any]
    for name, pattern in SENSORS.items():
        texts = [text for text in map(read_text, sorted(glob.glob(pattern))) if text]
        numbers = [int(text) for text in texts if text.isdigit()]
        if name == "governor" and texts:
            found[name] = sorted(set(texts))
        elif numbers:
            found[name] = numbers
    rails = list(rail_powers())
    if rails:
        found["power_uw"] = found.get("power_uw", []) + rails
    for name, command in COMMANDS.items():
        answer = ask(command)
        if answer:
            found[name] = answer
    found.update(tegrastats())
    return found


def rail_powers() -> Iterator[int]:
    """Yield the power, in microwatts, of every rail whose current and voltage are measured."""
    for path in sorted(glob.glob(RAILS)):
        folder, name = os.path.split(path)
        texts = [read_text(path), read_text(os.path.join(folder, name.replace("curr", "in")))]
        if all(text.isdigit() for text in texts):
            yield int(texts[0]) * int(texts[1])


def tegrastats() -> Dict[str, Any]:
    """Return one line of a Jetson's own monitor, as it says it; elsewhere nothing."""
    command = ["tegrastats", "--interval", "100"]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return {}
    pipe = process.stdout.fileno() if process.stdout else -1
    line = os.read(pipe, MOST_SAID) if select.select([pipe], [], [], 2.0)[0] else b""
    process.kill()
    process.communicate()
    text = first_line(line.decode("utf-8", "replace"))
    return {"tegrastats": text} if line else {}


def read_text(path: str) -> str:
    """Return a small file's text, or nothing where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(MOST_SAID).decode("utf-8", "replace").strip("\0\n ")
    except OSError:
        return ""


def ask(command: List[str]) -> str:
    """Return what a command prints, or nothing where it is not there."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout[:MOST_SAID].decode("utf-8", "replace").strip()


def environment(runner: Any) -> Dict[str, Any]:
    """Return where and with what something was measured."""
    found = {
        "runtime": runner.runtime,
        "threads": runner.threads,
        "board": read_text("/proc/device-tree/model") or None,
        "cpu": processor(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "usable_cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "boot": read_text("/proc/sys/kernel/random/boot_id") or None,
    }
    found.update(runner.environment())
    return found


def processor() -> Optional[str]:
    """Return the processor's name; where Linux knows none, as on ARM, its implementer and part numbers."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            text = file.read(1 << 16).decode("utf-8", "replace")
    except OSError:
        return None
    lines = [line.split(":", 1) for line in text.splitlines() if ":" in line]
    named = {key.strip(): value.strip() for key, value in lines}
    parts = {value.strip() for key, value in lines if key.strip() == "CPU part"}
    if "model name" in named and not parts:
        return named["model name"]
    if not parts:
        return None
    return f"implementer {named.get('CPU implementer', '?')} part {' '.join(sorted(parts))}"


# --------------------------------------------------------------------------------------------- commands


def verify(manifest: Dict[str, Any], options: argparse.Namespace) -> Dict[str, Any]:
    """Check every file, then the outputs of every artifact that can be run here."""
    checks = check_files(manifest)
    runtime = None
    if all(each["ok"] for each in checks):
        for artifact in runnable(manifest, options):
            runner = open_runner(manifest, artifact, options.threads)
            keep = options.outputs if runtime is None else None
            checks.append(check_outputs(manifest, artifact, runner, keep))
            runtime = runner.runtime
            runner.close()
    found = {"ok": all(each["ok"] for each in checks), "runtime": runtime, "checks": checks}
    return dict(found, machine=platform.machine(), cpu=processor())


def infer(manifest: Dict[str, Any], options: argparse.Namespace) -> Dict[str, Any]:
    """Classify one picture."""
    require_whole_manifest()
    shape = tuple(look_up(manifest, "input", "shape"))
    classes = look_up(manifest, "output", "shape")
    if len(classes) != 2:
        raise BoardError(
            f"infer prints classes and this model's output has shape {classes}; use verify or bench"
        )
    artifact = runnable(manifest, options)[0]
    values = read_picture(options.picture, look_up(manifest, "preprocessing"), shape)
    if values.shape != shape:
        raise BoardError(
            f"the picture gives {values.shape} and the model takes {shape}; copy the bundle again"
        )
    runner = open_runner(manifest, artifact, options.threads)
    scores = runner(values)[0]
    runner.close()
    if not np.all(np.isfinite(scores)):
        raise BoardError("the model's scores are not finite; run python3 run.py verify")
    labels = manifest.get("labels")
    labels = labels if isinstance(labels, list) else []
    likely = probabilities(scores)
    best = np.argsort(-scores, kind="mergesort")[: options.top]
    top = [
        {
            "index": int(index),
            "label": str(labels[index]) if index < len(labels) else None,
            "score": float(scores[index]),
            "probability": float(likely[index]),
        }
        for index in best
    ]
    return {"ok": True, "runtime": runner.runtime, "precision": artifact["precision"], "top": top}


def bench(manifest: Dict[str, Any], options: argparse.Namespace) -> Dict[str, Any]:
    """Measure the latency of one inference, after checking the outputs; warm-up and start-up stand apart."""
    require_whole_manifest()
    artifact = runnable(manifest, options)[0]
    before, clocks = sense(), (time.time(), time.perf_counter())
    start = time.perf_counter()
    runner = open_runner(manifest, artifact, options.threads)
    init_s = time.perf_counter() - start
    batch = samples(manifest, artifact)[0][: look_up(manifest, "input", "shape")[0]]
    first_s = timed(runner, batch, 1)[0]
    parity = require_parity(manifest, artifact, runner)
    warmup_s, steady = warm_up(runner, batch, options.warmup, first_s)
    times_s = timed(runner, batch, options.runs)
    after = sense()
    found = {"ok": True, "kind": "measured", "precision": artifact["precision"], "artifact": artifact["path"]}
    found.update(init_s=init_s, first_s=first_s, max_abs_error=parity["max_abs_error"])
    found.update(max_abs_error_allowed=parity["max_abs_error_allowed"])
    found.update(summary(times_s))
    found.update(times_s=times_s, warmup_s=warmup_s, steady=steady, includes=runner.includes)
    found["environment"] = dict(environment(runner), before=before, after=after)
    # Linux counts in KiB.
    found["environment"]["peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    # Times are of a clock that never jumps; the other one may, as where a time server has just been found.
    jump_s = (time.time() - clocks[0]) - (time.perf_counter() - clocks[1])
    found["environment"]["clock_jumped_s"] = jump_s
    found["layers"] = runner.layers(PROFILED_RUNS)
    runner.close()
    return found


PROFILED_RUNS = 10  # inferences besides those that are timed, where a runtime tells times by layer


def timed(runner: Any, batch: np.ndarray, runs: int) -> List[float]:
    """Return the seconds of each of `runs` inferences of a batch, which is loaded before."""
    runner.load(batch)
    step, times_s = runner.step, []
    for _ in range(runs):
        start = time.perf_counter()
        step()
        times_s.append(round(time.perf_counter() - start, 9))
    return times_s


WINDOW_S, WINDOWS, STEADY_WITHIN, WARMUP_S = 0.05, 3, 0.02, 10.0


def warm_up(runner: Any, batch: np.ndarray, runs: Optional[int], first_s: float) -> Tuple[List[float], bool]:
    """Run windows until the medians of three in a row agree; return every window's, and whether they do.

    A window is at least 2 inferences and 50 ms; after 10 s there is no other. With `runs` there are as many
    windows, of one inference each.
    """
    if runs is not None:
        times_s = timed(runner, batch, runs)
        return times_s, is_steady(times_s)
    window = max(2, min(10000, math.ceil(WINDOW_S / max(first_s, 1e-9))))
    medians, begin = [], time.perf_counter()  # type: List[float], float
    while not is_steady(medians) and time.perf_counter() - begin < WARMUP_S:
        medians.append(float(np.median(timed(runner, batch, window))))
    return medians, is_steady(medians)


def is_steady(medians: List[float]) -> bool:
    """Return whether the last windows differ by little."""
    last = medians[-WINDOWS:]
    return len(last) == WINDOWS and max(last) - min(last) <= STEADY_WITHIN * min(last)


def summary(times_s: List[float]) -> Dict[str, Any]:
    """Return statistics of raw times; noisy: the interquartile range is over a tenth of the median."""
    p25, p50, p75, p90, p99 = (float(value) for value in np.percentile(times_s, [25, 50, 75, 90, 99]))
    return {
        "runs": len(times_s),
        "median_s": p50,
        "p50_s": p50,
        "p90_s": p90,
        "p99_s": p99,
        "min_s": min(times_s),
        "mean_s": sum(times_s) / len(times_s),
        "iqr_s": p75 - p25,
        "noisy": (p75 - p25) > NOISY_ABOVE * p50,
    }


# --------------------------------------------------------------------------------------------- printing


def print_verify(found: Dict[str, Any]) -> None:
    """Print one line a check."""
    for check in found["checks"]:
        mark = "ok  " if check["ok"] else "FAIL"
        print(f"{mark} {check['check']}{': ' if check['detail'] else ''}{check['detail']}")
    if found["ok"]:
        print(f"verified on {found['runtime']}")


def print_infer(found: Dict[str, Any]) -> None:
    """Print one line a class, the best first."""
    for each in found["top"]:
        name = each["label"] if each["label"] is not None else f"class {each['index']}"
        print(f"{each['probability']:7.2%}  {name}  (score {each['score']:.4g})")


SLOWEST = 5  # layers that are printed; --json has all


def print_bench(found: Dict[str, Any]) -> None:
    """Print the latency and where it was measured."""
    where = found["environment"]
    threads = f", {where['threads']} thread{'s' * (where['threads'] > 1)}" if where["threads"] else ""
    board = where["board"] or where["machine"]
    core = where.get("dla_core")
    precision = found["precision"] + ("" if core is None else f" on DLA {core}")
    print(f"{found['artifact']} ({precision}) on {where['runtime']}{threads}, {board}")
    for name in ("median", "p90", "p99", "min", "iqr", "init", "first"):
        print(f"  {name:6} {found[name + '_s'] * 1e3:10.3f} ms")
    print(f"  measured over {found['runs']} runs, {found['includes']}; outputs verified first")
    for each in sorted(found["layers"], key=lambda layer: -layer["median_s"])[:SLOWEST]:
        print(f"  {each['median_s'] * 1e3:10.3f} ms  {each['layer']}  (profiled, in slower inferences)")
    if found["noisy"]:
        print("  NOISY: the interquartile range is over 10 % of the median; close other programs")


def first_line(error: object) -> str:
    """Return the first line of an error that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def new_file(suffix: str) -> Callable[[str], str]:
    """Return what reads the name of a file beside this script that is none of the bundle's own."""

    def read(text: str) -> str:
        own = text == "manifest.json" or text.endswith(".engine.json")
        if own or not text.endswith(suffix) or os.path.basename(text) != text:
            raise argparse.ArgumentTypeError(f"{text!r} is no name of a new {suffix} file beside run.py")
        return text

    return read


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--precision",
        choices=sorted(PRECISIONS_BY_SPEED),
        help="which artifact (default: all, or the fastest)",
    )
    shared.add_argument("--dla", action="store_true", help="the engine that was built for a DLA")
    shared.add_argument("--threads", type=count, default=1, help="CPU threads, for LiteRT (default 1)")
    shared.add_argument("--json", action="store_true", help="print one JSON object")
    shared.add_argument(
        "--out",
        metavar="FILE.json",
        type=new_file(".json"),
        help="write that object beside run.py",
    )
    top = argparse.ArgumentParser(prog="run.py", description="Verify, run and measure this bundle.")
    commands = top.add_subparsers(dest="command", metavar="verify|infer|bench")
    commands.required = True
    check = commands.add_parser(
        "verify", parents=[shared], help="check every file, then the outputs for the sample"
    )
    check.add_argument(
        "--outputs", metavar="FILE.npy", type=new_file(".npy"), help="keep the first artifact's outputs there"
    )
    one = commands.add_parser("infer", parents=[shared], help="classify a picture")
    one.add_argument("picture", help="a picture, or a preprocessed float32 array as .npy")
    one.add_argument("--top", type=count, default=5, help="how many classes (default 5)")
    many = commands.add_parser("bench", parents=[shared], help="measure the latency")
    many.add_argument("--runs", type=count, default=100, help="timed inferences (default 100)")
    many.add_argument("--warmup", type=count, help="inferences before them (default: until times are steady)")
    return top


def wrote(name: str, answer: str) -> bool:
    """Write an answer into a file of the bundle; where that cannot be, say why."""
    try:
        write_whole(name, answer.encode("utf-8"))
    except BoardError as error:
        print(f"error: {error}", file=sys.stderr)
        return False
    return True


COMMAND = {"verify": (verify, print_verify), "infer": (infer, print_infer), "bench": (bench, print_bench)}


def attempt(work: Callable[[], Dict[str, Any]]) -> Tuple[Dict[str, Any], int]:
    """Do the work of a script; return what it found and 0, or nothing and the exit code of its failure."""
    try:
        return work(), 0
    except BoardError as error:
        print(f"error: {error}", file=sys.stderr)
    except MemoryError:
        print("error: out of memory; close other programs and try again", file=sys.stderr)
    except KeyboardInterrupt:
        return {}, 130
    return {}, 1


def answer_of(options: argparse.Namespace) -> Dict[str, Any]:
    """Run one command; return what it found, with its name and the bundle's."""
    manifest = read_manifest()
    found = COMMAND[options.command][0](manifest, options)
    return dict({"command": options.command, "bundle": manifest.get("name")}, **found)


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one command and return the exit code."""
    options = parser().parse_args(arguments)
    found, code = attempt(lambda: answer_of(options))
    if code:
        return code
    answer = json.dumps(found)
    if options.out is not None and not wrote(options.out, answer):
        return 1
    if options.json:
        print(answer)
    elif options.out is None or not found["ok"]:
        COMMAND[options.command][1](found)
    if not found["ok"]:
        failed = [each["check"] for each in found["checks"] if not each["ok"]]
        print(
            f"error: {len(failed)} of {len(found['checks'])} checks failed: {', '.join(failed)}",
            file=sys.stderr,
        )
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
