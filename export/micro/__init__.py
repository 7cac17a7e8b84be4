"""TFLite Micro: which operators it has, and the C++ files that hold a network for it."""

from edgecnn.export.micro.firmware import ARRAY as ARRAY
from edgecnn.export.micro.firmware import Firmware as Firmware
from edgecnn.export.micro.firmware import firmware_files as firmware_files
from edgecnn.export.micro.firmware import read_array as read_array
from edgecnn.export.micro.operators import check_operators as check_operators
