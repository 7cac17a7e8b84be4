// A stand-in for TFLite Micro's header of this name.
#pragma once

namespace tflite {
inline void InitializeTarget() {}
}  // namespace tflite
