// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/event.hpp"

#include <functional>
#include <utility>

namespace sesslimit::test {

/// A receiver of events that calls a function with each event.
class FunctionSink final : public core::EventSink {
  public:
    explicit FunctionSink(std::function<void(core::Event)> receive) : receive_(std::move(receive)) {}
    void handle(core::Event event) override { receive_(std::move(event)); }

  private:
    std::function<void(core::Event)> receive_;
};

} // namespace sesslimit::test
