// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"

namespace sesslimit::ctl {

/// The console on the standard streams of the process. The environment and the terminal determine the style of its
/// output.
class Terminal final : public Console {
  public:
    /// Options from the command line.
    struct Wishes {
        Json json = Json::off;
        bool legend = true;
        bool pager = true;
        bool ask = true;
    };
    explicit Terminal(const Wishes& wishes);

    [[nodiscard]] const Style& style() const override { return style_; }
    [[nodiscard]] Usec now() const override;
    void print(std::string_view text) override;
    void page(std::string_view text) override;
    void complain(std::string_view message) override;
    [[nodiscard]] bool can_ask() const override { return can_ask_; }
    bool ask(std::string_view text) override;

    /// Returns true if some output was lost because of a write error, such as a full disk.
    [[nodiscard]] bool lost_output() const { return lost_output_; }

  private:
    Style style_;
    bool pages_ = false;
    bool can_ask_ = false;
    bool lost_output_ = false;
};

} // namespace sesslimit::ctl
