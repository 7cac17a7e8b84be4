"""Calibrate a folded graph with edgecnn. Arguments: GRAPH COUNT OBSERVER; prints the seconds as JSON."""

import json
import sys
import time
from pathlib import Path

from pictures import draw

from edgecnn.graph.load import load
from edgecnn.graph.nodes import static_shape
from edgecnn.quantize.calibrate import calibrate
from edgecnn.quantize.grids import observed
from edgecnn.quantize.placement_tflite import place_for_tflite

graph, count, observer = sys.argv[1:]
model = load(Path(graph))
shape = static_shape(model.graph.inputs[0])
start = time.perf_counter()
names = [str(value.name) for value in observed(place_for_tflite(model))]
found = calibrate(model, lambda: draw(shape, int(count)), names, observer=observer)
print(json.dumps({"seconds": time.perf_counter() - start, "values": len(found.ranges)}))
