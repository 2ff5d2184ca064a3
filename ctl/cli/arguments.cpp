// SPDX-License-Identifier: MIT
#include "ctl/cli/arguments.hpp"

#include "common/duration.hpp"
#include "common/user_ref.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>

namespace sesslimit::ctl {
namespace {

std::string footer() {
    std::string text = "Exit status:";
    for (const ExitMeaning& meaning : exit_meanings()) {
        text += (meaning.exit == Exit::ok ? " " : ", ") + std::to_string(static_cast<int>(meaning.exit)) + " " +
                std::string(meaning.words);
    }
    return text + ".\nSee sesslimitctl(1) for details.";
}

/// A help formatter for CLI11 that shows only the name of an option and its argument. By default, CLI11 adds details to
/// each option.
class PlainHelp final : public CLI::Formatter {
  public:
    std::string make_option_opts(const CLI::Option* option) const override {
        const std::string type = option->get_type_name();
        return type.empty() || option->get_positional() ? "" : " " + type;
    }
    std::string make_subcommand(const CLI::App* command) const override {
        std::string usage = "  " + command->get_name();
        for (const CLI::Option* argument :
             command->get_options([](const CLI::Option* option) { return option->get_positional(); })) {
            const std::string name = argument->get_name(true) + (argument->get_expected_max() > 1 ? "..." : "");
            usage += argument->get_required() ? " " + name : " [" + name + "]";
        }
        usage += std::string(usage.size() < get_column_width() ? get_column_width() - usage.size() : 1, ' ');
        return usage + command->get_description() + '\n';
    }
};

std::string complaint(const CLI::App*, const CLI::Error& error) {
    return std::string("sesslimitctl: ") + error.what() + "\nTry: sesslimitctl --help\n";
}

CLI::App* add_command(CLI::App& app, Arguments& arguments, Command command, const char* name, const char* about) {
    CLI::App* sub = app.add_subcommand(name, about);
    sub->callback([&arguments, command] { arguments.command = command; });
    return sub;
}

void add_global_options(CLI::App& app, Arguments& arguments) {
    static const std::map<std::string, Json> forms{
        {"short", Json::compact}, {"pretty", Json::pretty}, {"off", Json::off}};
    app.add_option("--json", "Print JSON: short (on one line), pretty (indented), or off (the default)")
        ->type_name("FORM")
        ->check(CLI::IsMember({"short", "pretty", "off"}))
        ->each([&arguments](const std::string& form) { arguments.json = forms.at(form); });
    app.add_flag_callback(
        "--no-legend", [&arguments] { arguments.legend = false; }, "Do not print headings and counts");
    app.add_flag_callback(
        "--no-pager", [&arguments] { arguments.pager = false; }, "Do not pipe the output into a pager");
    app.add_flag_callback(
        "--no-ask", [&arguments] { arguments.ask = false; }, "Do not ask for confirmation or a password");
    app.set_version_flag("--version", "sesslimitctl " SESSLIMIT_VERSION, "Print the version and exit");
}

constexpr char about_user[] = "User name, or uid:NUMBER for a user ID";

/// Checks an argument that refers to a user. Returns an error message for CLI11, or an empty string if the argument is
/// valid.
std::string valid_user(const std::string& argument) {
    return parse_user_ref(argument) ? "" : user_ref_problem(argument);
}

/// Parses the timeout of an order to the fleet. Returns it in milliseconds, or nullopt if it is out of range.
std::optional<std::uint32_t> timeout_of(const std::string& text) {
    const auto span = parse_span(text);
    const auto limit = std::chrono::milliseconds(fleet::admin::max_timeout_ms);
    if (!span || *span < std::chrono::milliseconds(1) || *span > limit) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(*span).count());
}

void add_fact(CLI::App& explain, const char* name, const char* type, std::optional<std::string>& fact,
              const char* about) {
    explain.add_option(name, fact, about)->type_name(type);
}

void add_explain(CLI::App& app, Arguments& arguments) {
    CLI::App* explain = add_command(app, arguments, Command::explain, "explain",
                                    "Show which limits apply to a login and which rules set them");
    ExplainQuery& question = arguments.question;
    explain->add_option("USER", question.user, about_user)->required()->check(valid_user, "");
    add_fact(*explain, "--service", "SERVICE", question.service, "PAM service (default: sshd)");
    add_fact(*explain, "--origin", "HOST", question.origin,
             "Host from which the user logs in, an address or a name (default: this host)");
    explain->add_option("--group", question.groups, "Additional group of the user; may be repeated")
        ->type_name("GROUP")
        ->allow_extra_args(false);
    add_fact(*explain, "--method", "METHOD", question.method, "Authentication method: publickey, password, ...");
    add_fact(*explain, "--credential", "FINGERPRINT", question.credential, "Fingerprint of the key: SHA256:...");
    add_fact(*explain, "--seat", "SEAT", question.seat, "Seat of the login: seat0, ...");
}

void add_check(CLI::App& app, Arguments& arguments) {
    CLI::App* check =
        add_command(app, arguments, Command::check, "check", "Check the policy or single policy files for errors");
    CheckRequest& request = arguments.check;
    auto* files = check->add_option("FILE", request.files, "Check only this file (default: the policy of this host)");
    check
        ->add_option("--policy-dir", request.directory,
                     "Policy directory, with policy.toml, policy.d and managed.d (default: /etc/sesslimit)")
        ->type_name("DIR")
        ->each([&request](const std::string&) { request.directory_given = true; })
        ->excludes(files);
    check
        ->add_flag_callback(
            "--managed", [&request] { request.tier = policy::Tier::managed; },
            "Check the files as if they were in managed.d")
        ->needs(files);
}

void add_audit(CLI::App& app, Arguments& arguments) {
    CLI::App* command = add_command(app, arguments, Command::audit, "audit",
                                    "Check this host against the session controls of STIG, PCI DSS, CIS and ANSSI");
    std::vector<std::string> names;
    for (const audit::Profile profile : audit::profiles) {
        names.emplace_back(audit::name_of(profile));
    }
    AuditRequest& request = arguments.audit;
    auto* profile = command->add_option("--profile", "Check only this profile: stig, pci, cis or anssi");
    profile->type_name("PROFILE")->check(CLI::IsMember(names))->each([&request](const std::string& name) {
        request.profile = *std::ranges::find(audit::profiles, name, audit::name_of);
    });
    command->add_option("--root", request.root, "Read the configuration files below this directory instead of /")
        ->type_name("DIR");
    command
        ->add_option("--require",
                     "Check only that sesslimit enforces this limit: max_sessions=NUMBER or idle_timeout=TIME")
        ->type_name("LIMIT")
        ->check(CLI::Validator(
            [](const std::string& text) {
                return parse_required_limit(text) ? std::string() : "expected max_sessions=NUMBER or idle_timeout=TIME";
            },
            "", "limit"))
        ->each([&request](const std::string& text) { request.required = parse_required_limit(text); })
        ->excludes(profile);
}

constexpr char about_policy_dir[] = "Policy directory (default: /etc/sesslimit)";

void add_policy_dir(CLI::App& command, std::string& directory) {
    command.add_option("--policy-dir", directory, about_policy_dir)->type_name("DIR");
}

/// Adds the option for the policy directory to a command that changes the policy.
template <class Request>
void add_changed_dir(CLI::App& command, Request& request) {
    command
        .add_option("--policy-dir", request.directory,
                    "Policy directory (default: /etc/sesslimit); the daemon does not reload the policy")
        ->type_name("DIR")
        ->each([&request](const std::string&) { request.reload = false; });
}

/// Adds the options of set and unset. `name` is the name of the arguments, and `type` the form of those of --match.
/// CLI11 2.4 rejects names that contain an equals sign.
void add_change(CLI::App& command, SetRequest& request, const char* name, const char* type, const char* about,
                const char* about_match) {
    command.add_option(name, request.words, about);
    auto* rule =
        command.add_option("--rule", request.rule, "Change this rule instead of [defaults]")->type_name("NAME");
    command.add_option("--match", request.match, about_match)->type_name(type)->allow_extra_args(false)->needs(rule);
    add_changed_dir(command, request);
    command.add_flag("--dry-run", request.dry_run, "Check the change and show its effect, but do not write it");
}

void add_settings(CLI::App& app, Arguments& arguments) {
    SetRequest& request = arguments.set;
    CLI::App* set = add_command(app, arguments, Command::set, "set", "Change settings of the policy");
    add_change(*set, request, "SETTING", "KEY=VALUE", "Key and its new value, such as max_duration=8h",
               "Logins to which the rule applies, such as group=staff; may be repeated");
    CLI::App* unset =
        add_command(app, arguments, Command::unset, "unset", "Remove settings that the command set has made");
    add_change(*unset, request, "KEY", "KEY", "Setting to remove; without any, the whole rule is removed",
               "Key under match to remove; may be repeated");

    add_changed_dir(*add_command(app, arguments, Command::edit, "edit",
                                 "Edit the file of the command set, and check it before it is installed"),
                    arguments.edit);

    SettingsRequest& settings = arguments.settings;
    CLI::App* get = add_command(app, arguments, Command::get, "get", "Print settings as written in the policy files");
    get->add_option("KEY", settings.keys, "Print only this setting");
    get->add_option("--rule", settings.rule, "Print the settings of this rule instead of [defaults]")
        ->type_name("NAME");
    add_policy_dir(*get, settings.directory);
    add_policy_dir(*add_command(app, arguments, Command::rules, "rules", "List the rules of the policy files"),
                   settings.directory);
    add_policy_dir(*add_command(app, arguments, Command::defaults, "defaults",
                                "Show the limits of logins that match no rule, and where they are set"),
                   settings.directory);
}

CLI::Option* add_names(CLI::App& app, Arguments& arguments, Command command, const char* name, const char* type,
                       const char* about, const char* about_names) {
    return add_command(app, arguments, command, name, about)
        ->add_option(type, arguments.names, about_names)
        ->required();
}

CLI::Option* add_end(CLI::App& app, Arguments& arguments, Command command, const char* name, const char* type,
                     const char* about, const char* about_names) {
    CLI::Option* names = add_names(app, arguments, command, name, type, about, about_names);
    app.get_subcommand(name)
        ->add_option("--message", arguments.message, "Text that is shown to the user, one line of at most 256 bytes")
        ->type_name("TEXT");
    return names;
}

CLI::App* add_action(CLI::App& command, FleetRequest& request, FleetRequest::Action action, const char* name,
                     const char* about) {
    CLI::App* sub = command.add_subcommand(name, about);
    sub->callback([&request, action] { request.action = action; });
    return sub;
}

void add_order(CLI::App& action, FleetRequest& request) {
    action
        .add_option("--message", request.message,
                    "Text that is shown to the user, one line of at most " + std::to_string(fleet::max_reason) +
                        " bytes")
        ->type_name("TEXT");
    action.add_option("--timeout", "Time in which the hosts can answer, up to 1min (default: 5s)")
        ->type_name("TIME")
        ->check(CLI::Validator(
            [](const std::string& text) {
                return timeout_of(text) ? std::string() : "expected a time from 1ms to 1min, such as 10s";
            },
            "", "timeout"))
        ->each([&request](const std::string& text) { request.timeout_ms = timeout_of(text).value_or(0); });
}

void add_fleet(CLI::App& app, Arguments& arguments) {
    using Action = FleetRequest::Action;
    FleetRequest& request = arguments.fleet;
    CLI::App* fleet = add_command(app, arguments, Command::fleet, "fleet", "Show and change the fleet of this host");
    fleet->require_subcommand(0, 1);
    fleet->add_option("--socket", request.socket, "Socket of sesslimit-fleetd")->type_name("PATH");
    add_action(*fleet, request, Action::list, "list", "List sessions on all hosts (default)")
        ->add_option("USER", request.name, about_user)
        ->check(valid_user, "");
    add_action(*fleet, request, Action::hosts, "hosts", "List the hosts of the fleet");
    add_action(*fleet, request, Action::status, "status", "Show the state of this host and of the nodes of etcd");
    CLI::App* end_user = add_action(*fleet, request, Action::end_user, "end-user", "End all sessions of a user");
    end_user->add_option("USER", request.name, about_user)->required()->check(valid_user, "");
    add_order(*end_user, request);
    CLI::App* end_credential = add_action(*fleet, request, Action::end_credential, "end-credential",
                                          "End all sessions opened with an SSH key");
    end_credential->add_option("FINGERPRINT", request.name, "Fingerprint SHA256:..., as ssh-keygen -l prints it")
        ->required();
    add_order(*end_credential, request);
    add_action(*fleet, request, Action::drain, "drain", "Leave the fleet until sesslimit-fleetd is restarted");
    add_action(*fleet, request, Action::forget, "forget", "Free the slots of a lost host")
        ->add_option("HOST", request.name, "Name of the host in the fleet")
        ->required();
}

void add_commands(CLI::App& app, Arguments& arguments) {
    add_command(app, arguments, Command::list, "list", "List open sessions (default)")
        ->add_option("--user", arguments.user, "List only sessions of this user, a name or uid:NUMBER")
        ->type_name("USER")
        ->check(valid_user, "");
    add_names(app, arguments, Command::show, "show", "ID", "Show details of sessions", "Session ID");
    add_end(app, arguments, Command::end, "end", "ID", "End sessions", "Session ID");
    add_end(app, arguments, Command::end_user, "end-user", "USER", "End all sessions of users", about_user)
        ->check(valid_user, "");
    add_end(app, arguments, Command::end_credential, "end-credential", "FINGERPRINT",
            "End all sessions opened with an SSH key", "Fingerprint SHA256:..., as ssh-keygen -l prints it");
    add_explain(app, arguments);
    add_check(app, arguments);
    add_audit(app, arguments);
    add_settings(app, arguments);
    add_command(app, arguments, Command::reload, "reload", "Reload the policy");
    add_command(app, arguments, Command::status, "status", "Show daemon status");
    add_command(app, arguments, Command::watch, "watch", "Print session events as they happen");
    add_fleet(app, arguments);
    CLI::App* complete = add_command(app, arguments, Command::complete, "complete", "Print words for shell completion");
    complete->add_option("kind", arguments.names)->required()->expected(1);
    complete->group(""); // CLI11 hides a command with an empty group from the help.
}

} // namespace

void add_command_line(CLI::App& app, Arguments& arguments) {
    app.require_subcommand(0, 1);
    app.fallthrough(); // Accepts global options after the command, as in loginctl.
    add_global_options(app, arguments);
    add_commands(app, arguments);
}

std::expected<Arguments, Exit> parse(int argc, char** argv) {
    Arguments arguments;
    CLI::App app{"List and end login sessions and show their limits.", "sesslimitctl"};
    app.footer(footer());
    const auto help = std::make_shared<PlainHelp>();
    help->column_width(32);
    app.formatter(help);
    app.failure_message(complaint);
    add_command_line(app, arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const bool asked_for = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
        app.exit(error);
        return std::unexpected(asked_for ? Exit::ok : Exit::usage);
    }
    return arguments;
}

} // namespace sesslimit::ctl
