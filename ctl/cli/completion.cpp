// SPDX-License-Identifier: MIT
#include "common/user_ref.hpp"
#include "ctl/client/escaped_client.hpp"
#include "ctl/commands/commands.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/report.hpp"

#include <set>

namespace sesslimit::ctl {
namespace {

std::string session_lines(const std::vector<Session>& sessions) {
    std::string text;
    for (const Session& session : sessions) {
        text += safe(session.id) + '\t' + user_words(session) + ", " + safe(session.service) + " on " +
                terminals_words(session) + '\n';
    }
    return text;
}

/// Returns the user of a session as an argument that a shell need not quote.
std::string completed_user(const Session& session) {
    const std::string argument = user_argument(session);
    return argument.find_first_of(" \\'\"$`&;|<>()*?[]{}~#!") == std::string::npos ? argument
                                                                                   : user_ref_of(session.uid);
}

std::string lines_of(const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += name + '\n';
    }
    return text;
}

} // namespace

void complete(const std::string& kind, Remote& remote, Console& console) {
    auto sessions = remote.list();
    if (!sessions) {
        return;
    }
    sort_by_id(*sessions);
    std::set<std::string> users;
    std::set<std::string> credentials;
    for (const Session& session : *sessions) {
        users.insert(completed_user(session));
        if (session.credential && !session.credential->empty()) {
            credentials.insert(safe(*session.credential));
        }
    }
    if (kind == "sessions") {
        console.print(session_lines(*sessions));
    } else if (kind == "users") {
        console.print(lines_of(users));
    } else if (kind == "credentials") {
        console.print(lines_of(credentials));
    }
}

} // namespace sesslimit::ctl
