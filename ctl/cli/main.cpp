// SPDX-License-Identifier: MIT
#include "ctl/cli/arguments.hpp"
#include "ctl/cli/editor.hpp"
#include "ctl/cli/terminal.hpp"
#include "ctl/client/bus_client.hpp"
#include "ctl/client/system_host.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/commands/end.hpp"
#include "ctl/commands/fleet.hpp"

#include <clocale>
#include <cstdio>
#include <ctime>
#include <exception>

namespace sesslimit::ctl {
namespace {

constexpr Usec completion_patience = 1'000'000; // Timeout of calls for shell completion.

Exit dispatch(const Arguments& arguments, Remote& remote, Host& host, Console& console) {
    policy::SystemNames names;
    switch (arguments.command) {
    case Command::list:
        return list(arguments.user, remote, console);
    case Command::show:
        return show(arguments.names, remote, console);
    case Command::end:
        return end_sessions(arguments.names, arguments.message, remote, console);
    case Command::end_user:
        return end_users(arguments.names, arguments.message, remote, console);
    case Command::end_credential:
        return end_credentials(arguments.names, arguments.message, remote, console);
    case Command::explain:
        return explain(arguments.question, remote, console);
    case Command::check:
        return check(arguments.check, names, console);
    case Command::audit:
        return audit(arguments.audit, {names, remote, host}, console);
    case Command::set:
        return set(arguments.set, {names, remote, host}, console);
    case Command::unset:
        return unset(arguments.set, {names, remote, host}, console);
    case Command::edit: {
        UserEditor editor;
        return edit(arguments.edit, {names, remote, host}, editor, console);
    }
    case Command::get:
        return get(arguments.settings, names, console);
    case Command::rules:
        return rules(arguments.settings, names, console);
    case Command::defaults:
        return defaults(arguments.settings, names, console);
    case Command::reload:
        return reload(remote, console);
    case Command::status:
        return status(remote, host, console);
    case Command::watch:
        return watch(remote, host, console);
    case Command::fleet: {
        FleetClient fleetd(arguments.fleet.socket);
        const auto name_of = [](uid_t uid) { return policy::SystemNames::name_of(uid).value_or(std::nullopt); };
        return fleet(arguments.fleet, {fleetd, host, names, name_of}, console);
    }
    case Command::complete:
        if (!complete_settings(arguments.names.front(), arguments.settings.directory, console)) {
            complete(arguments.names.front(), remote, console);
        }
        return Exit::ok;
    }
    return Exit::usage;
}

Exit run(int argc, char** argv) {
    std::setlocale(LC_CTYPE, ""); // Selects the terminal's character set.
    tzset();
    const auto arguments = parse(argc, argv);
    if (!arguments) {
        return arguments.error();
    }
    Terminal terminal({arguments->json, arguments->legend, arguments->pager, arguments->ask});
    BusClient::Options options{.interactive = terminal.can_ask()};
    if (arguments->command == Command::complete) {
        options.patience = completion_patience;
    }
    BusClient client(options);
    SystemHost host;
    const Exit exit = dispatch(*arguments, client, host, terminal);
    if (terminal.lost_output()) {
        terminal.complain("failed to write output");
        return exit == Exit::ok ? Exit::failed : exit;
    }
    return exit;
}

} // namespace
} // namespace sesslimit::ctl

int main(int argc, char** argv) {
    using sesslimit::ctl::Exit;
    try {
        return static_cast<int>(sesslimit::ctl::run(argc, argv));
    } catch (const std::exception& error) {
        // The program throws no exceptions of its own, but the standard library throws if memory is exhausted.
        std::fprintf(stderr, "sesslimitctl: %s\n", error.what());
        return static_cast<int>(Exit::failed);
    }
}
