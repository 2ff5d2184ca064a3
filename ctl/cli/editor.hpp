// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/commands/edit.hpp"

namespace sesslimit::ctl {

/// The editor of the environment variables VISUAL or EDITOR, which edits a copy in a temporary directory.
///
/// If sesslimitctl was started with sudo, the editor runs as the user who started sudo. A user who may run only
/// sesslimitctl as root could otherwise run any program as root.
class UserEditor final : public Editor {
  public:
    Result<std::string> edit(std::string_view text) override;
};

} // namespace sesslimit::ctl
