#!/usr/bin/env python3
"""Which precision each layer of an engine computes in, beside the one that its graph asks for.

TensorRT may compute a layer in another precision than the graph says, and fuses layers. Its engine inspector
names the layers that it made, after the ONNX nodes in them, with the type of what each reads.

Written after NVIDIA's documents of TensorRT 8.2 to 11. It has not read an engine on a board yet.
"""

import json
import re
from typing import Any, Dict, List, Optional

# By what stands in the inspector's name of a type, in lower case; the first that fits is taken.
TYPES = (
    ("int8", "int8"),
    ("fp8", "fp8"),
    ("bf16", "bf16"),
    ("bfloat16", "bf16"),
    ("half", "fp16"),
    ("fp16", "fp16"),
    ("float16", "fp16"),
    ("float", "fp32"),
    ("fp32", "fp32"),
)
# Where the type of a tensor stands: up to TensorRT 10, and from 11 on.
TYPE_KEYS = ("Format/Datatype", "DataType", "Datatype", "Format")
# What joins the names of fused nodes: "a + b", "a || b", "PWN(a, b)", "[ONNX Layer: a]".
JOINTS = re.compile(r"\s\+\s|\s*\|\|\s*|[\[\](){},\x1e]|ONNX Layer:\s*")
SHOWN = 5  # names in a sentence


def read(tensorrt: Any, engine: Any) -> List[Dict[str, Any]]:
    """Return the inspector's entry of each layer; none where it tells names alone or nothing."""
    text = engine.create_engine_inspector().get_engine_information(tensorrt.LayerInformationFormat.JSON)
    try:
        found = json.loads(text)
    except (TypeError, ValueError):  # None where the inspector failed
        return []
    layers = found.get("Layers") if isinstance(found, dict) else None
    return [each for each in layers if isinstance(each, dict)] if isinstance(layers, list) else []


def compare(asked: Dict[str, str], layers: List[Dict[str, Any]]) -> Dict[str, Any]:
    """Return how many layers were asked for in each precision, how many got it, and which got another.

    A layer inside a block that TensorRT compiled as one is not told.
    """
    got = {}  # type: Dict[str, Optional[str]]
    for layer in layers:
        precision = precision_of(layer)
        for name in names_in(layer):
            if name in asked and got.get(name) is None:
                got[name] = precision
    pairs = [(name, wanted, got.get(name)) for name, wanted in sorted(asked.items())]
    told = [precision for _, _, precision in pairs if precision is not None]
    return {
        "asked": count(asked.values()),
        "got": count(told),
        "not_told": len(pairs) - len(told),
        "other": [
            {"layer": name, "asked": wanted, "got": precision}
            for name, wanted, precision in pairs
            if precision is not None and precision != wanted
        ],
    }


def names_in(layer: Dict[str, Any]) -> List[str]:
    """Return the ONNX nodes that a layer of the engine stands for; a block names its ends only: none."""
    texts = [str(layer.get(key, "")) for key in ("Name", "Metadata")]
    if "ForeignNode" in texts[0] or texts[0].startswith("Reformatting CopyNode"):
        return []
    return [part.strip() for text in texts for part in JOINTS.split(text) if part.strip()]


def precision_of(layer: Dict[str, Any]) -> Optional[str]:
    """Return the precision in which a layer computes: that of its first input."""
    inputs = layer.get("Inputs")
    if not isinstance(inputs, list) or not inputs or not isinstance(inputs[0], dict):
        return None
    text = next((str(inputs[0][key]).lower() for key in TYPE_KEYS if key in inputs[0]), "")
    return next((precision for word, precision in TYPES if word in text), None)


def count(precisions: Any) -> Dict[str, int]:
    """Return how often each precision occurs."""
    found = {}  # type: Dict[str, int]
    for each in precisions:
        found[each] = found.get(each, 0) + 1
    return found


def sentence(found: Dict[str, Any]) -> str:
    """Return one line about the layers of an engine."""
    words = [f"{number} in {precision}" for precision, number in sorted(found["got"].items())]
    words += [f"{found['not_told']} inside compiled blocks, not told"] if found["not_told"] else []
    asked = ", ".join(f"{number} in {precision}" for precision, number in sorted(found["asked"].items()))
    text = f"layers with weights asked for {asked}; the engine has {', '.join(words)}"
    if found["other"]:
        named = [f"{each['layer']} ({each['got']})" for each in found["other"][:SHOWN]]
        more = len(found["other"]) - len(named)
        text += f"; not as asked: {', '.join(named)}" + (f" and {more} more" if more else "")
    return text
