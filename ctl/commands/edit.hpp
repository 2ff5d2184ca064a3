// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "ctl/cli/console.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/commands/drop_in_change.hpp"

#include <string>
#include <string_view>

namespace sesslimit::ctl {

/// The interface to the editor of the user.
class Editor {
  public:
    Editor() = default;
    Editor(const Editor&) = delete;
    Editor& operator=(const Editor&) = delete;
    virtual ~Editor() = default;

    /// Lets the user edit a text. Returns the edited text. Blocks until the editor exits.
    virtual Result<std::string> edit(std::string_view text) = 0;
};

/// The options of the command edit.
struct EditRequest {
    std::string directory = "/etc/sesslimit";
    bool reload = true; ///< true if the daemon reads this directory, and must load the changed policy
};

/// Opens a copy of policy.d/90-set.toml in an editor. Checks the complete policy with the edited text, and installs the
/// text as the command set does. If the policy has errors, prints them and asks the user whether to edit again. The
/// file is locked as long as the editor is open.
Exit edit(const EditRequest& request, const SetTools& tools, Editor& editor, Console& console);

} // namespace sesslimit::ctl
