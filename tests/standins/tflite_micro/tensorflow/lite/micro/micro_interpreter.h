// A stand-in for TFLite Micro's header of this name: its network knows the sample's output, for the sample alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "sample.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

#ifndef OFF_BY
#define OFF_BY 0
#endif

namespace tflite {
class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver&, std::uint8_t* arena, std::size_t size)
      : bytes_(model->bytes), arena_(arena), size_(size) {}

  TfLiteStatus AllocateTensors() {
    const bool is_file = std::memcmp(bytes_ + 4, "TFL3", 4) == 0;
    const bool aligned = reinterpret_cast<std::uintptr_t>(arena_) % 16 == 0;
    return is_file && aligned && size_ == edgecnn::kArenaBytes ? kTfLiteOk : kTfLiteError;
  }

  template <class T>
  T* typed_input_tensor(int) {
    return input_;
  }

  template <class T>
  T* typed_output_tensor(int) {
    return output_;
  }

  TfLiteStatus Invoke() {
    if (std::memcmp(input_, edgecnn::kSampleInput, sizeof(input_)) != 0) return kTfLiteError;
    std::memcpy(output_, edgecnn::kSampleOutput, sizeof(output_));
    output_[0] = static_cast<edgecnn::Output>(output_[0] + OFF_BY * edgecnn::kSampleStep);
    return kTfLiteOk;
  }

  std::size_t arena_used_bytes() const { return size_ - 16; }

 private:
  const unsigned char* bytes_;
  std::uint8_t* arena_;
  std::size_t size_;
  edgecnn::Input input_[edgecnn::kInputElements];
  edgecnn::Output output_[edgecnn::kOutputElements];
};
}  // namespace tflite
