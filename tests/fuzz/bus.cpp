// SPDX-License-Identifier: MIT
// Input from callers on the bus: session IDs, the facts of a login for Explain, and a file for PreviewPolicy. Also the
// output for a session with arbitrary texts.
#include "daemon/api/message.hpp"
#include "daemon/api/outcome.hpp"
#include "daemon/api/preview_request.hpp"
#include "daemon/api/view.hpp"
#include "daemon/messages/journal_entry.hpp"
#include "daemon/messages/message_text.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace sesslimit::fuzz {
namespace {

/// Returns a bus connection without a peer, which is required to create messages.
sd_bus* nobodys_bus() {
    static sd_bus* bus = [] {
        std::array<int, 2> ends{-1, -1};
        sd_bus* made = nullptr;
        must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0 &&
                 sd_bus_new(&made) >= 0 && sd_bus_set_fd(made, ends[0], ends[0]) >= 0 && sd_bus_start(made) >= 0,
             "a connection");
        return made;
    }();
    return bus;
}

class Message {
  public:
    Message() {
        must(sd_bus_message_new_method_call(nobodys_bus(), &raw_, "org.sesslimit1", "/org/sesslimit1",
                                            "org.sesslimit1.Manager", "Call") >= 0,
             "a message");
    }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message() { sd_bus_message_unref(raw_); }

    [[nodiscard]] sd_bus_message* get() const { return raw_; }

    /// Makes the message readable, as its receiver sees it.
    void turn_round() { must(sd_bus_message_seal(raw_, 1, 0) >= 0 && sd_bus_message_rewind(raw_, 1) >= 0, "sealed"); }

  private:
    sd_bus_message* raw_ = nullptr;
};

bool is_bounded(const std::string& text) {
    return text.size() <= api::max_argument_length;
}

void is_argument(Input input) {
    Message message;
    const std::string text(text_of(input.rest()));
    if (sd_bus_message_append(message.get(), "s", text.c_str()) < 0) {
        return; // text that is not valid UTF-8 cannot be sent over the bus
    }
    message.turn_round();
    std::string read;
    const int code = api::read_text(message.get(), read);
    must(code == 0 ? read == text.c_str() && !read.empty() && is_bounded(read) : read.empty(),
         "a valid text or nothing is returned");
}

constexpr const char* keys[] = {"User", "Service", "Origin", "Method", "Seat", "Credential", "Uid", "Groups"};

int append_value(sd_bus_message* m, Input& input) {
    switch (input.byte() % 8) {
    case 0:
        return sd_bus_message_append(m, "v", "u", input.number<std::uint32_t>());
    case 1: {
        const std::string one = input.text();
        const std::string two = input.text();
        return sd_bus_message_append(m, "v", "as", 2, one.c_str(), two.c_str());
    }
    case 2: {
        int code = sd_bus_message_open_container(m, 'v', "as");
        code = code < 0 ? code : sd_bus_message_open_container(m, 'a', "s");
        for (int more = input.number<std::uint16_t>() % 300; code >= 0 && more > 0; --more) {
            code = sd_bus_message_append(m, "s", "group");
        }
        code = code < 0 ? code : sd_bus_message_close_container(m);
        return code < 0 ? code : sd_bus_message_close_container(m);
    }
    case 3:
        return sd_bus_message_append(m, "v", "(sb)", "x", 1);
    case 4: {
        const std::string text(300, 'x');
        return sd_bus_message_append(m, "v", "s", text.c_str());
    }
    default:
        return sd_bus_message_append(m, "v", "s", input.text().c_str());
    }
}

int append_fact(sd_bus_message* m, Input& input) {
    const std::uint8_t which = input.byte();
    const std::string other = which < 2 * std::size(keys) ? "" : input.text();
    int code = sd_bus_message_open_container(m, 'e', "sv");
    code =
        code < 0 ? code : sd_bus_message_append(m, "s", other.empty() ? keys[which % std::size(keys)] : other.c_str());
    code = code < 0 ? code : append_value(m, input);
    return code < 0 ? code : sd_bus_message_close_container(m);
}

void is_question(Input input) {
    Message message;
    int code = sd_bus_message_open_container(message.get(), 'a', "{sv}");
    while (code >= 0 && !input.empty()) {
        code = append_fact(message.get(), input);
    }
    if (code < 0 || sd_bus_message_close_container(message.get()) < 0) {
        return;
    }
    message.turn_round();
    api::ExplainQuery question;
    std::string problem;
    if (api::read_explain_query(message.get(), question, problem) < 0) {
        must(is_safe_line(problem), "the error text is safe to show");
        return;
    }
    const Login& login = question.login;
    must(!login.user.empty() || question.uid, "the login has a user name or a user ID");
    must(is_bounded(login.user) && is_bounded(login.service) && is_bounded(login.rhost) && is_bounded(login.seat) &&
             is_bounded(login.credential.method) && is_bounded(login.credential.fingerprint),
         "facts are bounded");
    must(question.groups.size() <= 256 && std::ranges::all_of(question.groups, is_bounded), "groups are bounded");
}

void is_preview(Input input) {
    Message message;
    const std::string file = input.text();
    const std::string session = input.text();
    const std::string text(text_of(input.rest()));
    if (sd_bus_message_append(message.get(), "sss", file.c_str(), text.c_str(), session.c_str()) < 0) {
        return;
    }
    message.turn_round();
    const auto request = api::read_preview_request(message.get());
    if (!request) {
        must(is_safe_line(request.error().what), "the error text is safe to show");
        return;
    }
    must(request->file.find('/') == std::string::npos && !request->file.starts_with('.') &&
             request->file.ends_with(".toml") && is_bounded(request->file) && is_bounded(request->session),
         "the file is a policy file in policy.d");
}

core::Session session_of(Input& input) {
    core::Session session;
    session.key = SessionKey{1U + input.byte()};
    session.phase = core::Phase{static_cast<std::uint8_t>(1 + input.byte() % 6)};
    session.reason.cause = core::Cause{static_cast<std::uint8_t>(input.byte() % 7)};
    session.reason.count = input.byte();
    session.stage = core::TerminationStage{static_cast<std::uint8_t>(input.byte() % 4)};
    session.opened = BootTime(std::chrono::seconds(input.number<std::uint32_t>()));
    session.max_duration = Duration(input.number<std::uint32_t>());
    session.idle_timeout = Duration(input.number<std::uint32_t>());
    Login& login = session.login;
    for (std::string* text :
         {&login.user, &login.service, &login.rhost, &login.ruser, &login.tty, &login.credential.method,
          &login.credential.fingerprint, &login.credential.certificate_id, &login.credential.ca, &login.seat,
          &session.logind_id, &session.scope, &session.reason.by, &session.reason.person}) {
        *text = input.text();
    }
    return session;
}

/// Checks the lookup and the D-Bus properties of a session with arbitrary texts. The bus would cut a text at a NUL and
/// reject invalid UTF-8.
void is_seen(Input input) {
    const core::Session session = session_of(input);
    core::State state;
    state.put(session);
    const std::string id = input.text();
    for (const std::string& asked : {id, api::id_of(session), session.logind_id}) {
        const core::Session* found = api::find(state, asked);
        must(found == nullptr || api::is_listed(*found), "only listed sessions are found");
    }
    const api::WallClock moment{.now = session.opened + std::chrono::hours(1),
                                .wall_offset = std::chrono::hours(400'000)};
    must(is_safe_line(api::session_outcome(session, {}, {}, moment)), "an outcome is safe to show");
    for (const api::Visibility eyes : {api::Visibility::any_caller, api::Visibility::owner}) {
        Message message;
        must(api::append(message.get(), api::properties(session, {}, {.terminals = {id}, .input = {}}, moment, eyes)) >=
                 0,
             "every session can be sent over the bus");
    }
}

void is_told(Input input) {
    using Kind = core::Notice::Kind;
    core::Notice notice;
    notice.kind = Kind{static_cast<std::uint8_t>(input.byte() % (static_cast<unsigned>(Kind::fleet_over_limit) + 1))};
    notice.left = Duration(input.number<std::uint32_t>());
    notice.session = session_of(input);
    notice.session.login.gids = {input.byte(), 1'000'000};
    notice.session.longest_idle = core::WholeSeconds(input.number<std::uint32_t>());
    notice.duration = Duration(input.number<std::uint32_t>());
    notice.reason = notice.session.reason;
    notice.reason.limit = std::make_shared<const policy::Location>(policy::Location{.file = input.text(), .line = 1});
    must(is_safe_line(messages::reason_text(notice.reason)), "a reason is safe to show");
    must(is_safe_line(messages::event_of(notice.kind)), "an event has its name");
    for (const auto& [name, value] : messages::journal_entry(notice)) {
        const bool plain = std::ranges::all_of(name, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
        must(plain && is_safe_line(value), "journal fields are safe to show");
    }
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    Input input(bytes);
    const std::uint8_t kind = input.byte();
    if (kind >= 0xF0) {
        return is_preview(input);
    }
    switch (kind % 4) {
    case 0:
        return is_argument(input);
    case 1:
        return is_question(input);
    case 2:
        return is_seen(input);
    default:
        return is_told(input);
    }
}

} // namespace sesslimit::fuzz
