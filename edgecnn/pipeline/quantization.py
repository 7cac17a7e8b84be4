"""`Quantization`: the precision that a user asks for; `Order`: what is to be made, refused early."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edgecnn import devices
from edgecnn.calls import Call, Value, parse_recipe
from edgecnn.device import DeviceProfile
from edgecnn.errors import EdgeCnnError, UnknownNameError
from edgecnn.export.compilers import check_runtime
from edgecnn.pipeline.calibration import IMAGES, data_of
from edgecnn.pipeline.training_pictures import PICTURES, TRAINING, TrainingPlace, with_own_augmentation
from edgecnn.quantize import PASSES
from edgecnn.quantize.recipe import check_recipe, complete_recipe, needs, uses

_IO = ("float", "int8")
# What the compiler of a runtime wants a quantized graph to follow.
SCHEMES = {"litert": "tflite", "tflite-micro": "tflite", "tensorrt": "tensorrt"}
ANY = "tflite"  # pairs on every value: what a runtime that is not named here finds most to read in
PASSES_OF_PRECISION = ("int8", "dynamic", "fp16")
# What a flag adds to a recipe that does not name its first pass. Ranges of least squared error and corrected
# biases together keep most answers, and cost a calibration more (docs/int8.md, benchmarks/quantize.py).
_ASKED = {"int8": ("int8", "correct_bias"), "fp16": ("fp16",)}
_LADDER = ("int8", "dynamic", "equalize", "equalize_clipped", "correct_bias", "mixed")


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """What the flags of `edgecnn export` say about precision.

    Attributes:
        int8: quantize weights and activations to 8 bits, and correct the biases.
        fp16: store and compute in 16 bits what is left in float.
        calibrate: the name or path of the data set whose training pictures set the ranges.
        calibrate_images: how many of them, drawn by the seed.
        observer: how a range is chosen, such as `mse`.
        allow_float: operators without an int8 form that may stay in float, joined by commas.
        io: `float` or `int8`, the type of a .tflite file's input and output; by default `int8` for a
            microcontroller, whose memory a float32 picture would fill, else `float`.
        max_drop: how many points int8 may lose; then the recipe is the cheapest that loses no more.
        training: where passes of the recipe train, on the pictures of `calibrate`.
        data: the data set whose held-out pictures tell; by default the one to calibrate with.
    """

    int8: bool = False
    fp16: bool = False
    calibrate: str | None = None
    calibrate_images: int = IMAGES
    observer: str | None = None
    allow_float: str | None = None
    io: str | None = None
    max_drop: float | None = None
    data: str | None = None
    training: TrainingPlace = field(default_factory=TrainingPlace)

    def __post_init__(self) -> None:
        if self.io not in (None, *_IO):
            raise UnknownNameError("type of input and output", self.io, _IO)
        if self.calibrate_images < 1:
            raise EdgeCnnError(f"--calibrate-images {self.calibrate_images} is too few; give at least 1")
        if self.max_drop is not None and not 0 <= self.max_drop <= 100:
            raise EdgeCnnError(f"--max-drop is {self.max_drop:g} points; give a number from 0 to 100")

    def calls(self, recipe: str) -> tuple[Call, ...]:
        """Return the passes to run: the recipe's, `fold`, and those that the flags ask for.

        A flag wins over the same setting in the recipe. Raises `EdgeCnnError` for a recipe that is wrong,
        and for a flag that would have no effect.
        """
        calls = complete_recipe(parse_recipe(recipe))
        self._refuse_two_choices(_names(calls))
        for name, passes in _ASKED.items():
            if getattr(self, name) and name not in _names(calls):
                calls = (*calls, *map(Call, passes if self.max_drop is None else passes[:1]))
        if "fold" not in _names(calls):
            first = next(
                (index for index, call in enumerate(calls) if call.name in PASSES_OF_PRECISION), len(calls)
            )
            calls = (*calls[:first], Call("fold"), *calls[first:])
        calls = tuple(self._with_settings(call) for call in calls)
        self._refuse_idle_flags(calls)
        check_recipe(calls)
        return calls

    def _with_settings(self, call: Call) -> Call:
        given: dict[str, Value | None] = {"observer": self.observer, "allow_float": self.allow_float}
        settings = {key: value for key, value in given.items() if value is not None}
        return Call(call.name, {**call.arguments, **settings}) if call.name == "int8" else call

    def _refuse_two_choices(self, names: Sequence[str]) -> None:
        """Refuse what --max-drop chooses itself."""
        chosen = [f"{name} in the recipe" for name in _LADDER if name in names]
        chosen += ["--observer"] * (self.observer is not None)
        trains = [name for name in names if TRAINING & set(PASSES[name].needs)]
        if self.max_drop is not None and trains:
            raise EdgeCnnError(
                f"--max-drop tries several recipes, and each would train anew in {trains[0]}; run"
                " `edgecnn compress` first, and export its result with --max-drop"
            )
        if self.max_drop is not None and chosen:
            raise EdgeCnnError(f"--max-drop chooses how to quantize by itself; leave out {', '.join(chosen)}")
        if self.data is not None and self.max_drop is None:
            raise EdgeCnnError("--data says what --max-drop is measured on; give --max-drop POINTS, too")

    def _refuse_idle_flags(self, calls: Sequence[Call]) -> None:
        given = {
            "--calibrate": None if PICTURES & {*needs(calls), *uses(calls)} else self.calibrate,
            "--observer": self.observer,
            "--allow-float": self.allow_float,
            "--io int8": self.io == "int8",
            "--max-drop": self.max_drop is not None,
        }
        idle = [flag for flag, value in given.items() if value]
        if idle and "int8" not in _names(calls):
            raise EdgeCnnError(f"{', '.join(idle)} says how to quantize, which nothing asks for; add --int8")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be made, checked as far as it can be before any work.

    Attributes:
        device: for which.
        calls: the passes.
        precision: `int8`, `dynamic`, `fp16` or `fp32`.
        asked: the flags.
        data: the data set to calibrate with, where a pass needs pictures.
        notes: what to know about that.
    """

    device: DeviceProfile
    calls: tuple[Call, ...]
    precision: str
    asked: Quantization
    data: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        """Return the rules that the target's runtime wants a quantized graph to follow."""
        return SCHEMES.get(self.device.runtime, ANY)

    @property
    def io(self) -> str:
        """Return the type of a .tflite file's input and output."""
        return self.asked.io or ("int8" if self.device.is_microcontroller else "float")


def order(model: Any, target: str, recipe: str, asked: Quantization) -> Order:
    """Return what is to be made of a model; raise `EdgeCnnError` for what the target cannot run."""
    device, calls = devices.find(target), asked.calls(recipe)
    check_runtime(device)
    refuse_half_weights(device, calls)
    check_precision(device, set(_names(calls)) & set(PASSES_OF_PRECISION), asked.io or "float")
    precision = precision_in(calls)
    data, notes = data_of(model, asked.calibrate, calls)
    asked = replace(asked, training=with_own_augmentation(asked.training, model))
    return Order(device=device, calls=calls, precision=precision, asked=asked, data=data, notes=notes)


def refuse_half_weights(device: DeviceProfile, calls: Sequence[Call]) -> None:
    """Raise `EdgeCnnError` where float16 weights were asked for and nothing would store them so."""
    names = _names(calls)
    if "half_weights" not in names:
        return
    if device.is_microcontroller:
        device.refuse(precision="fp16")
    if device.runtime != "litert":
        raise EdgeCnnError(
            "half_weights is how a .tflite file stores weights; for TensorRT, give fp16 for it"
        )
    if set(names) & set(PASSES_OF_PRECISION):
        raise EdgeCnnError(
            "half_weights stores the weights of a float32 graph; leave it out, or the other precision"
        )


def precision_in(calls: Sequence[Call]) -> str:
    """Return the precision that a recipe asks for, `fp32` where it names none."""
    return next((name for name in PASSES_OF_PRECISION if name in _names(calls)), "fp32")


def members_note(device: DeviceProfile, precision: str) -> tuple[str, ...]:
    """Say which boards of a family get a precision that not all of them have."""
    if precision not in device.some_precisions:
        return ()
    has = [name for name in device.members if precision in devices.find(name).precisions]
    lacks = [name for name in device.members if name not in has]
    return (
        f"model.{precision}.onnx is for {', '.join(has)}; {', '.join(lacks)} have no {precision} and take"
        " model.fp16.onnx",
    )


def check_precision(device: DeviceProfile, precisions: Collection[str], io: str) -> None:
    """Raise `EdgeCnnError` for a precision, of `int8`, `dynamic` and `fp16`, that the device does not run."""
    for name in sorted(precisions):
        device.refuse(precision="int8" if name == "dynamic" else name)
    if device.is_microcontroller and "dynamic" in precisions:
        raise EdgeCnnError(
            "TFLite Micro has int8 weights with int8 activations only; give --int8 --calibrate DATA"
            " for dynamic"
        )
    if device.runtime == "tensorrt" and "dynamic" in precisions:
        raise EdgeCnnError("TensorRT has int8 weights with int8 activations only; give int8 for dynamic")
    if device.runtime == "tensorrt" and io != "float":
        raise EdgeCnnError("--io int8 is for .tflite files; TensorRT takes and gives float32: leave it out")


def _names(calls: Sequence[Call]) -> list[str]:
    return [call.name for call in calls]
