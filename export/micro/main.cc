// Runs the sample on a microcontroller with TFLite Micro, and says how far its output is from the expected one.
//
// Build it with model.cc, sample.cc and TFLite Micro (github.com/tensorflow/tflite-micro) for your board.

#include <cstdint>
#include <cstring>

#include "model.h"
#include "sample.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

alignas(16) std::uint8_t arena[edgecnn::kArenaBytes];

// The largest difference of an output, in steps of its grid.
float LargestDifference(const edgecnn::Output* found) {
  float largest = 0.0f;
  for (std::size_t i = 0; i < edgecnn::kOutputElements; ++i) {
    const float expected = static_cast<float>(edgecnn::kSampleOutput[i]);
    const float difference = static_cast<float>(found[i]) - expected;
    const float steps = (difference < 0.0f ? -difference : difference) / edgecnn::kSampleStep;
    if (!(steps <= largest)) largest = steps;  // a NaN is no agreement
  }
  return largest;
}

}  // namespace

int main() {
  tflite::InitializeTarget();
  tflite::MicroMutableOpResolver<edgecnn::kOperators> resolver;
  if (!edgecnn::AddOperators(resolver)) {
    MicroPrintf("an operator could not be registered");
    return 1;
  }
  tflite::MicroInterpreter interpreter(tflite::GetModel(edgecnn::kModel), resolver, arena, sizeof(arena));
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    MicroPrintf("the arena is too small, or an operator is missing");
    return 1;
  }
  std::memcpy(interpreter.typed_input_tensor<edgecnn::Input>(0), edgecnn::kSampleInput,
              sizeof(edgecnn::kSampleInput));
  if (interpreter.Invoke() != kTfLiteOk) {
    MicroPrintf("the network could not be run");
    return 1;
  }
  const float steps = LargestDifference(interpreter.typed_output_tensor<edgecnn::Output>(0));
  const bool agrees = steps <= 1.01f;
  MicroPrintf("arena: %d of %d bytes used", static_cast<int>(interpreter.arena_used_bytes()),
              static_cast<int>(sizeof(arena)));
  MicroPrintf("largest difference: %d thousandths of a step: %s", static_cast<int>(1000.0f * steps),
              agrees ? "as expected" : "WRONG");
  return agrees ? 0 : 1;
}
