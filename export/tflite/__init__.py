"""TFLite: `write` a .tflite file, float32 or int8, from an ONNX graph; `read_back` what is in one."""

from edgecnn.export.tflite.asked import LayerPrecision as LayerPrecision
from edgecnn.export.tflite.asked import check_grids as check_grids
from edgecnn.export.tflite.asked import check_precisions as check_precisions
from edgecnn.export.tflite.asked import layer_precisions as layer_precisions
from edgecnn.export.tflite.pairs import has_activation_pairs as has_activation_pairs
from edgecnn.export.tflite.pairs import has_weight_pairs as has_weight_pairs
from edgecnn.export.tflite.precision import without_int8 as without_int8
from edgecnn.export.tflite.readback import OperatorRecord as OperatorRecord
from edgecnn.export.tflite.readback import ReadBack as ReadBack
from edgecnn.export.tflite.readback import count_operators as count_operators
from edgecnn.export.tflite.readback import read_back as read_back
from edgecnn.export.tflite.readback import read_operators as read_operators
from edgecnn.export.tflite.refusal import UnsupportedOperatorError as UnsupportedOperatorError
from edgecnn.export.tflite.writer import lower as lower
from edgecnn.export.tflite.writer import write as write
