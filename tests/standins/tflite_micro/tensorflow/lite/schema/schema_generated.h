// A stand-in for TFLite Micro's header of this name: what main.cc calls, and nothing else.
#pragma once

namespace tflite {
struct Model {
  const unsigned char* bytes;
};

inline const Model* GetModel(const void* bytes) {
  static Model model;
  model.bytes = static_cast<const unsigned char*>(bytes);
  return &model;
}
}  // namespace tflite
