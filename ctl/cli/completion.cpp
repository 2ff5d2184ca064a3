// SPDX-License-Identifier: MIT
#include "ctl/commands/commands.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/report.hpp"

#include <set>

namespace sesslimit::ctl {
namespace {

std::string session_lines(const std::vector<Session>& sessions) {
    std::string text;
    for (const Session& session : sessions) {
        text +=
            session.id + '\t' + user_words(session) + ", " + session.service + " on " + terminals_words(session) + '\n';
    }
    return text;
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
        users.insert(user_argument(session));
        if (session.credential && !session.credential->empty()) {
            credentials.insert(*session.credential);
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
