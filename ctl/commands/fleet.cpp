// SPDX-License-Identifier: MIT
#include "ctl/commands/fleet.hpp"

#include "common/text.hpp"
#include "common/user_ref.hpp"
#include "ctl/client/escaped_client.hpp"
#include "ctl/output/fleet.hpp"
#include "ctl/output/format.hpp"

namespace sesslimit::ctl {
namespace {

namespace admin = fleet::admin;
using Action = FleetRequest::Action;

/// A user by name and by ID, as far as both are known on this host.
struct User {
    std::string name;
    std::optional<std::uint32_t> uid;
};

User known_user(const std::string& argument, const FleetTools& tools) {
    const auto ref = parse_user_ref(argument);
    if (!ref) {
        return {argument, std::nullopt};
    }
    return ref->uid ? User{tools.name_of(*ref->uid).value_or(std::string()), ref->uid}
                    : User{ref->name, tools.names.user(ref->name)};
}

/// One run of the command.
class FleetCommand {
  public:
    FleetCommand(const FleetRequest& request, const FleetTools& tools, Console& console)
        : request_(request), tools_(tools), console_(console) {}

    Exit list() {
        admin::List query;
        User user;
        if (!request_.name.empty()) {
            user = known_user(request_.name, tools_);
            query = {.user = user.name, .uid = user.uid};
        }
        return show(query, [this](const FleetReply& reply) {
            console_.page(wants_json() ? fleet_list_json(reply, tools_.name_of, json())
                                       : fleet_list_text(reply, console_.style(), tools_.name_of, console_.now()));
            if (const std::string hint = uid_hint(request_.name); reply.sessions.empty() && !hint.empty()) {
                console_.complain(hint);
            }
        });
    }

    Exit hosts() {
        return show(admin::Hosts{}, [this](const FleetReply& reply) {
            console_.page(wants_json() ? fleet_hosts_json(reply, json()) : fleet_hosts_text(reply, console_.style()));
        });
    }

    Exit status() {
        return show(admin::Status{}, [this](const FleetReply& reply) {
            console_.print(wants_json() ? fleet_status_json(reply, json())
                                        : fleet_status_text(reply, console_.style()));
        });
    }

    Exit end(bool is_user) {
        if (request_.message.size() > fleet::max_reason || control_at(request_.message) != std::string::npos) {
            console_.complain("the message is longer than " + std::to_string(fleet::max_reason) +
                              " bytes, or contains a control character or more than one line");
            return Exit::failed;
        }
        const User user = is_user ? known_user(request_.name, tools_) : User{request_.name, std::nullopt};
        const std::string of = (is_user ? "of " : "opened with ") + escape_for_display(request_.name);
        if (!agreed("This ends all sessions " + of + " on all hosts of the fleet.\nEnd them? [y/N] ",
                    "no sessions ended")) {
            return Exit::failed;
        }
        const std::string by = administrator();
        const admin::End order{.what = is_user ? fleet::EndOrder::Kind::user : fleet::EndOrder::Kind::credential,
                               .subject = user.name,
                               .uid = user.uid,
                               .by = by,
                               .reason = request_.message,
                               .timeout_ms = request_.timeout_ms};
        std::string missing;
        const Exit exit = show(order, [&](const FleetReply& reply) {
            console_.print(wants_json() ? fleet_ended_json(reply, json()) : fleet_ended_text(reply, of));
            missing = fleet_missing_text(reply);
        });
        if (!missing.empty()) {
            console_.complain(missing);
            return Exit::failed;
        }
        return exit;
    }

    Exit drain() {
        if (!agreed(
                "This host leaves the fleet until sesslimit-fleetd is restarted. Its sessions are no longer counted "
                "on other hosts, and its logins are decided without the fleet.\nLeave it? [y/N] ",
                "the host stays in the fleet")) {
            return Exit::failed;
        }
        const std::string by = administrator();
        return show(admin::Drain{.by = by}, [this](const FleetReply&) {
            if (!wants_json()) {
                console_.print("This host has left the fleet. To return, run 'systemctl restart sesslimit-fleetd'.\n");
            }
        });
    }

    Exit forget() {
        const std::string host = escape_for_display(request_.name);
        if (!agreed("This frees the slots of all sessions of " + host +
                        ". If the host is alive, it records its sessions again within a minute.\nFree them? [y/N] ",
                    "no slots freed")) {
            return Exit::failed;
        }
        const std::string by = administrator();
        return show(admin::Forget{.host = request_.name, .by = by}, [&](const FleetReply& reply) {
            console_.print(wants_json() ? fleet_list_json(reply, tools_.name_of, json())
                                        : fleet_freed_text(reply, host, tools_.name_of));
        });
    }

  private:
    [[nodiscard]] Json json() const { return console_.style().json; }
    [[nodiscard]] bool wants_json() const { return json() != Json::off; }

    /// Returns the name of the person, within the bound of a frame.
    [[nodiscard]] std::string administrator() const { return tools_.host.caller().name.substr(0, fleet::max_user); }

    bool agreed(const std::string& question, const std::string& otherwise) {
        if (!console_.can_ask() || console_.ask(question)) {
            return true;
        }
        console_.complain(otherwise);
        return false;
    }

    /// Sends a request, and shows its reply.
    template <class Show>
    Exit show(const admin::Request& request, const Show& print) {
        const auto reply = tools_.remote.ask(request);
        if (!reply) {
            console_.complain(words_of(reply.error()));
            return exit_of(reply.error().kind);
        }
        print(*reply);
        if (!reply->note.empty()) {
            console_.complain(safe(reply->note));
        }
        return Exit::ok;
    }

    const FleetRequest& request_;
    const FleetTools& tools_;
    Console& console_;
};

} // namespace

Exit fleet(const FleetRequest& request, const FleetTools& tools, Console& console) {
    FleetCommand run(request, tools, console);
    switch (request.action) {
    case Action::list:
        return run.list();
    case Action::hosts:
        return run.hosts();
    case Action::status:
        return run.status();
    case Action::end_user:
        return run.end(true);
    case Action::end_credential:
        return run.end(false);
    case Action::drain:
        return run.drain();
    case Action::forget:
        return run.forget();
    }
    return Exit::usage;
}

} // namespace sesslimit::ctl
