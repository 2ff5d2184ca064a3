// SPDX-License-Identifier: MIT
#include "ctl/commands/end.hpp"

#include "common/text.hpp"
#include "ctl/client/escaped_client.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/report.hpp"

#include <algorithm>
#include <functional>

namespace sesslimit::ctl {
namespace {

using Names = std::vector<std::string>;

/// A collector of the failures of one command. The first failure determines the exit status.
class Outcome {
  public:
    explicit Outcome(Console& console) : console_(console) {}

    void failed(const Failure& failure) {
        console_.complain(words_of(failure));
        if (exit_ == Exit::ok) {
            exit_ = exit_of(failure.kind);
        }
    }
    [[nodiscard]] Exit exit() const { return exit_; }

  private:
    Console& console_;
    Exit exit_ = Exit::ok;
};

bool agreed(const std::vector<Session>& sessions, const std::string& more, Console& console) {
    std::string text;
    if (!sessions.empty()) {
        text += "This ends " + counted(sessions.size(), "session") + ":\n";
    }
    for (const Session& session : sessions) {
        text += "  " + session_line(session, console.now()) + '\n';
    }
    text += more;
    if (console.ask(text + (sessions.size() == 1 && more.empty() ? "End it? [y/N] " : "End them? [y/N] "))) {
        return true;
    }
    console.complain("no sessions ended");
    return false;
}

/// Returns those of `names` that are IDs of existing sessions, and appends these sessions to `sessions`. Reports an
/// error for each name that is not the ID of an existing session.
Names known_ids(const Names& names, std::vector<Session>& sessions, Remote& remote, Outcome& outcome) {
    Names known;
    for (const std::string& id : names) {
        auto session = remote.session(id);
        if (session) {
            sessions.push_back(*std::move(session));
            known.push_back(id);
        } else {
            outcome.failed(session.error());
        }
    }
    return known;
}

using Belongs = std::function<bool(const Session&, const std::string& name)>;

/// Returns the sessions that belong to at least one of the given users or credentials.
Answer<std::vector<Session>> belonging(const Names& names, const Belongs& belongs, Remote& remote) {
    auto sessions = remote.list();
    if (sessions) {
        std::erase_if(*sessions, [&](const Session& session) {
            return std::ranges::none_of(names, [&](const std::string& name) { return belongs(session, name); });
        });
        sort_by_id(*sessions);
    }
    return sessions;
}

/// Returns the text about sessions that are being terminated. `of` describes them, such as " of alice". `before`
/// contains the sessions from before the request. A newer session is listed by its ID only.
std::string ended_words(const Names& ids, const std::string& of, const std::vector<Session>& before, Usec now) {
    if (ids.empty()) {
        return "No session" + of + " to end.\n";
    }
    std::string text = "Terminating " + counted(ids.size(), "session") + of + ":\n";
    for (const std::string& id : ids) {
        const auto known = std::ranges::find(before, id, &Session::id);
        text += "  " + (known != before.end() ? session_line(*known, now) : "session " + safe(id)) + '\n';
    }
    return text;
}

using EndAll = std::function<Answer<Names>(const std::string& name)>;

Exit end_all(const Names& names, const EndAll& end, const std::string& of, const std::vector<Session>& before,
             Console& console) {
    Outcome outcome(console);
    for (const std::string& name : names) {
        const auto ended = end(name);
        if (!ended) {
            outcome.failed(ended.error());
        } else if (console.style().json == Json::off) {
            console.print(ended_words(*ended, of + escape_for_display(name), before, console.now()));
        }
    }
    return outcome.exit();
}

bool is_of_credential(const Session& session, const std::string& fingerprint) {
    return session.credential && *session.credential == fingerprint;
}

} // namespace

Exit end_sessions(const Names& ids, const std::string& message, Remote& remote, Console& console) {
    Outcome outcome(console);
    std::vector<Session> sessions;
    const Names known = known_ids(ids, sessions, remote, outcome);
    if (known.empty()) {
        return outcome.exit();
    }
    if (console.can_ask() && !agreed(sessions, "", console)) {
        return Exit::failed;
    }
    Names done;
    for (const std::string& id : known) {
        if (const auto ended = remote.end_session(id, message)) {
            done.push_back(id);
        } else {
            outcome.failed(ended.error());
        }
    }
    if (!done.empty() && console.style().json == Json::off) {
        console.print(ended_words(done, "", sessions, console.now()));
    }
    return outcome.exit();
}

Exit end_users(const Names& users, const std::string& message, Remote& remote, Console& console) {
    const auto sessions = belonging(users, belongs_to, remote);
    if (!sessions) {
        console.complain(words_of(sessions.error()));
        return exit_of(sessions.error().kind);
    }
    if (console.can_ask() && !sessions->empty() && !agreed(*sessions, "", console)) {
        return Exit::failed;
    }
    const auto end = [&](const std::string& user) {
        const auto ended = remote.end_user(user, message);
        if (const std::string hint = uid_hint(user); ended && ended->empty() && !hint.empty()) {
            console.complain(hint);
        }
        return ended;
    };
    return end_all(users, end, " of ", *sessions, console);
}

Exit end_credentials(const Names& fingerprints, const std::string& message, Remote& remote, Console& console) {
    const auto sessions = belonging(fingerprints, is_of_credential, remote);
    if (!sessions) {
        console.complain(words_of(sessions.error()));
        return exit_of(sessions.error().kind);
    }
    // Callers other than root see only the credentials of their own sessions. Therefore the command may terminate more
    // sessions than it can list.
    const std::string more =
        "This command ends all sessions opened with " +
        (fingerprints.size() == 1 ? escape_for_display(fingerprints.front()) : "these credentials") +
        ", of all users.\n";
    if (console.can_ask() && !agreed(*sessions, more, console)) {
        return Exit::failed;
    }
    return end_all(
        fingerprints, [&](const std::string& name) { return remote.end_credential(name, message); }, " opened with ",
        *sessions, console);
}

} // namespace sesslimit::ctl
