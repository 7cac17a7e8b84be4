// A stand-in for TFLite Micro's header of this name: prints a line.
#pragma once

#include <cstdarg>
#include <cstdio>

inline void MicroPrintf(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
}
