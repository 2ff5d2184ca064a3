// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/commands/audit.hpp"
#include "ctl/commands/check.hpp"
#include "ctl/commands/edit.hpp"
#include "ctl/commands/fleet.hpp"
#include "ctl/commands/set.hpp"
#include "ctl/commands/settings.hpp"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sesslimit::ctl {

/// The commands of sesslimitctl(1).
enum class Command : std::uint8_t {
    list,
    show,
    end,
    end_user,
    end_credential,
    explain,
    check,
    audit,
    set,
    unset,
    edit,
    get,
    rules,
    defaults,
    reload,
    status,
    watch,
    fleet,
    complete,
};

/// The parsed command line of sesslimitctl. Fields for one command are valid only if `command` is that command.
struct Arguments {
    Command command = Command::list;
    std::vector<std::string> names; ///< Arguments without an option name.
    std::string message;            ///< Text for the users of the terminated sessions. May be empty.
    std::optional<std::string> user;
    ExplainQuery question;
    CheckRequest check;
    AuditRequest audit;
    SetRequest set;
    EditRequest edit;
    FleetRequest fleet;
    SettingsRequest settings;
    Json json = Json::off;
    bool legend = true;
    bool pager = true;
    bool ask = true;
};

/// Adds the commands and options of sesslimitctl to `app`, the parser of CLI11. The parser stores its results in
/// `arguments`. sesslimitctl(1) has the same list of commands and options.
void add_command_line(CLI::App& app, Arguments& arguments);

/// Parses the command line of sesslimitctl. If the help or the version is requested, or if an error occurs, prints the
/// text and returns the exit status instead of the arguments.
std::expected<Arguments, Exit> parse(int argc, char** argv);

} // namespace sesslimit::ctl
