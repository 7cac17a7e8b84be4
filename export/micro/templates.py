"""The texts of the C++ files, with the places that a network fills in."""

HEADER = """\
// {title} in int8 for {target}, written by edgecnn {version}.
#ifndef EDGECNN_MODEL_H_
#define EDGECNN_MODEL_H_

#include <cstddef>
#include <cstdint>

namespace edgecnn {{

// The network, byte by byte the file model.tflite.
constexpr std::size_t kModelBytes = {bytes};
extern const unsigned char kModel[];

// Images are (1, height, width, channels); real = scale * (element - zero point).
{ends}

{preprocessing}
{labels}

// The memory to give the interpreter: {plain} bytes with its plain kernels, {kind} on a 64-bit host (pointers
// of a Cortex-M are shorter), and {scratch} that Arm's kernels, CMSIS-NN, ask for at most (predicted).
constexpr std::size_t kArenaBytes = {arena};

// The operators, for tflite::MicroMutableOpResolver<edgecnn::kOperators>.
constexpr unsigned int kOperators = {operators};

template <typename Resolver>
bool AddOperators(Resolver& resolver) {{
  constexpr int kOk = 0;  // kTfLiteOk
  return {calls};
}}

}}  // namespace edgecnn

#endif  // EDGECNN_MODEL_H_
"""

SOURCE = """\
// {title}: the bytes of model.tflite.
#include "model.h"

namespace edgecnn {{

alignas(16) const unsigned char kModel[] = {{
{lines}
}};

static_assert(sizeof(kModel) == kModelBytes, "model.h and model.cc belong to different networks");

}}  // namespace edgecnn
"""

SAMPLE_HEADER = """\
// One input, and the output that this host computed for it.
#ifndef EDGECNN_SAMPLE_H_
#define EDGECNN_SAMPLE_H_

#include "model.h"

namespace edgecnn {{

extern const Input kSampleInput[kInputElements];
extern const Output kSampleOutput[kOutputElements];
constexpr float kSampleStep = {step};  // between two values that an output can have

}}  // namespace edgecnn

#endif  // EDGECNN_SAMPLE_H_
"""

SAMPLE = """\
// The first picture of sample/input.npy as the network takes it, and its output.
#include "sample.h"

namespace edgecnn {{

const Input kSampleInput[kInputElements] = {{
{given}
}};

const Output kSampleOutput[kOutputElements] = {{
{expected}
}};

}}  // namespace edgecnn
"""
