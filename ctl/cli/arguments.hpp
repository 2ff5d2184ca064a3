// SPDX-License-Identifier: MIT
#pragma once

#include "ctl/cli/console.hpp"
#include "ctl/client/daemon_client.hpp"
#include "ctl/client/failure.hpp"
#include "ctl/commands/audit.hpp"
#include "ctl/commands/check.hpp"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sesslimit::ctl {

enum class Command : std::uint8_t {
    list,
    show,
    end,
    end_user,
    end_credential,
    explain,
    check,
    audit,
    reload,
    status,
    watch,
    complete,
};

/// The command line. Of the parts that belong to one command, only those of `command` mean anything.
struct Arguments {
    Command command = Command::list;
    std::vector<std::string> names; ///< ids, users or fingerprints; of `complete` the kind
    std::optional<std::string> user;
    ExplainQuery question;
    CheckRequest check;
    AuditRequest audit;
    Json json = Json::off;
    bool legend = true;
    bool pager = true;
    bool ask = true;
};

/// Teaches `app` the commands and options; sesslimitctl(1) lists the same. Parsing fills `arguments`.
void add_command_line(CLI::App& app, Arguments& arguments);

/// Prints help, the version, or what is wrong, and then says how to exit.
std::expected<Arguments, Exit> parse(int argc, char** argv);

} // namespace sesslimit::ctl
