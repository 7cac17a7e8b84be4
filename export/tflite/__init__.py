"""TFLite: `write` a float32 .tflite file from an ONNX graph, `read_operators` what is in one."""

from edgecnn.export.tflite.readback import OperatorRecord as OperatorRecord
from edgecnn.export.tflite.readback import count_operators as count_operators
from edgecnn.export.tflite.readback import read_operators as read_operators
from edgecnn.export.tflite.refusal import UnsupportedOperatorError as UnsupportedOperatorError
from edgecnn.export.tflite.writer import lower as lower
from edgecnn.export.tflite.writer import write as write
