// SPDX-License-Identifier: MIT
#include "ctl/commands/commands.hpp"

#include "ctl/client/enforcement.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/json.hpp"
#include "ctl/output/report.hpp"
#include "daemon/policy/load.hpp"

#include <algorithm>

namespace sesslimit::ctl {
namespace {

Exit failed(const Failure& failure, Console& console) {
    console.complain(words_of(failure));
    return exit_of(failure.kind);
}

bool wants_json(const Console& console) {
    return console.style().json != Json::off;
}

/// Returns true if SELinux may be the cause of a failed request. In this case the daemon is on the bus, but requests or
/// replies do not arrive.
bool is_blocked(const Failure& failure) {
    return failure.kind == Failure::Kind::unresponsive || failure.kind == Failure::Kind::bus_denied;
}

void complain_of_selinux(Remote& remote, Host& host, Console& console) {
    const Enforcement about{host.selinux(), domain_of(remote.process().label), {}};
    if (const auto warning = selinux_warning(about)) {
        console.complain(*warning);
    }
}

/// Compares the policy files with those from which the policy in effect was loaded. The result is unknown if the caller
/// may not read the files.
PolicyFiles compare_files(const Status& status) {
    if (status.policy_digest.empty() || !status.policy_directory.starts_with('/')) {
        return PolicyFiles::unknown;
    }
    const policy::ReadTexts read = policy::read_texts(status.policy_directory);
    if (!read.problems.empty()) {
        return PolicyFiles::unknown;
    }
    return policy::digest(read.texts) == status.policy_digest ? PolicyFiles::same : PolicyFiles::changed;
}

} // namespace

Exit list(const std::optional<std::string>& user, Remote& remote, Console& console) {
    auto sessions = remote.list();
    if (!sessions) {
        return failed(sessions.error(), console);
    }
    if (user) {
        std::erase_if(*sessions, [&](const Session& session) { return !belongs_to(session, *user); });
        if (const std::string hint = uid_hint(*user); sessions->empty() && !hint.empty()) {
            console.complain(hint);
        }
    }
    sort_by_id(*sessions);
    const Style& style = console.style();
    console.page(wants_json(console) ? json_of(*sessions, style.json) : list_text(*sessions, style, console.now()));
    return Exit::ok;
}

Exit show(const std::vector<std::string>& ids, Remote& remote, Console& console) {
    Exit exit = Exit::ok;
    std::vector<Session> sessions;
    for (const std::string& id : ids) {
        auto session = remote.session(id);
        if (session) {
            sessions.push_back(*std::move(session));
            continue;
        }
        const Exit reason = failed(session.error(), console);
        exit = exit == Exit::ok ? reason : exit;
    }
    if (wants_json(console)) {
        console.print(json_of(sessions, console.style().json));
        return exit;
    }
    for (const Session& session : sessions) {
        console.print((&session == sessions.data() ? "" : "\n") + show_text(session, console.now()));
    }
    return exit;
}

Exit explain(const ExplainQuery& question, Remote& remote, Console& console) {
    const auto explanation = remote.explain(question);
    if (!explanation) {
        return failed(explanation.error(), console);
    }
    const Style& style = console.style();
    console.page(wants_json(console) ? json_of(question, *explanation, style.json)
                                     : explain_text(question, *explanation, style));
    return Exit::ok;
}

Exit reload(Remote& remote, Console& console) {
    const auto done = remote.reload();
    return done ? Exit::ok : failed(done.error(), console);
}

Exit status(Remote& remote, Host& host, Console& console) {
    const auto status = remote.status();
    const Usec now = console.now();
    if (!status) {
        const Exit exit = failed(status.error(), console);
        if (is_blocked(status.error())) {
            complain_of_selinux(remote, host, console);
        }
        return exit;
    }
    Enforcement about = enforcement(remote, host, now);
    about.sshd_without_pam = host.sshd_without_pam();
    const PolicyFiles files = compare_files(*status);
    console.print(wants_json(console) ? json_of(*status, files, about, now, console.style().json)
                                      : status_text(*status, files, about, now));
    return Exit::ok;
}

Exit watch(Remote& remote, Host& host, Console& console) {
    const Style& style = console.style();
    // logind logs that it stops an idle session, and may wait for the processes of the session before the event.
    constexpr Usec stop_time = Usec{120} * 1'000'000;
    const auto done = remote.watch({
        .event =
            [&](const Event& received) {
                Event event = received;
                if (event.name == "released" && event.session.reason.empty() &&
                    host.logind_stopped_idle(event.session.id, event.at - std::min(event.at, stop_time))) {
                    event.session.reason = "terminated by logind as idle (StopIdleSessionSec)";
                }
                console.print(wants_json(console) ? json_of(event, Json::compact) : event_text(event, style));
            },
        .daemon =
            [&](bool here) {
                console.complain(here ? "reconnected to sesslimitd"
                                      : "connection to sesslimitd lost, waiting until sesslimitd is running again");
            },
    });
    return done ? Exit::ok : failed(done.error(), console);
}

} // namespace sesslimit::ctl
