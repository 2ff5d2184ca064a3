// SPDX-License-Identifier: MIT
// libFuzzer's entry point of a target.
#include "tests/fuzz/fuzz.hpp"

extern "C" __attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                                                             std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    sesslimit::fuzz::one_input({data, size});
    return 0;
}
