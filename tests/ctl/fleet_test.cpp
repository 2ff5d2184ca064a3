// SPDX-License-Identifier: MIT
// The command fleet against a socket that speaks docs/fleet-protocol.md, and its output.
#include "common/unique_fd.hpp"
#include "ctl/commands/fleet.hpp"
#include "daemon/listen_socket.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/ctl/schema.hpp"
#include "tests/ctl/temporary_directory.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <thread>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;
namespace admin = sesslimit::fleet::admin;
using Action = FleetRequest::Action;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Knows alice with the ID 1000.
struct FakeNames final : policy::Names {
    std::optional<uid_t> user(const std::string& name) override {
        return name == "alice" ? std::optional<uid_t>(1000) : std::nullopt;
    }
    std::optional<gid_t> group(const std::string&) override { return std::nullopt; }
};

/// Answers requests on a socket in a thread. Each connection receives the same packets.
class FakeFleetd {
  public:
    using Packet = std::vector<std::byte>;

    explicit FakeFleetd(std::vector<Packet> reply)
        : path((directory.path() / "admin.sock").string()), reply_(std::move(reply)),
          listener_(std::move(listen_at(path.c_str())).value_or(UniqueFd())), thread_([this] { run(); }) {}
    FakeFleetd(const FakeFleetd&) = delete;
    FakeFleetd& operator=(const FakeFleetd&) = delete;
    ~FakeFleetd() {
        stop_ = true;
        thread_.join();
    }

    /// Returns the last request, which must have arrived.
    [[nodiscard]] admin::Request request() const {
        const auto read = admin::decode_request(request_);
        return read ? *read : admin::Request(admin::Hosts{});
    }

    TemporaryDirectory directory;
    std::string path;

  private:
    void run() {
        while (!stop_) {
            pollfd ready{.fd = listener_.get(), .events = POLLIN, .revents = 0};
            if (poll(&ready, 1, 20) <= 0) {
                continue;
            }
            const UniqueFd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            request_.resize(admin::max_frame);
            const ssize_t size = recv(peer.get(), request_.data(), request_.size(), 0);
            request_.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
            for (const Packet& packet : reply_) {
                (void)send(peer.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
            }
            if (keeps_open) {
                pollfd closed{.fd = peer.get(), .events = POLLIN, .revents = 0};
                (void)poll(&closed, 1, 5000);
            }
        }
    }

  public:
    std::atomic<bool> keeps_open = false;

  private:
    std::atomic<bool> stop_ = false;
    std::vector<Packet> reply_;
    Packet request_;
    UniqueFd listener_;
    std::thread thread_;
};

template <class... Frames>
std::vector<FakeFleetd::Packet> packets(const Frames&... frames) {
    std::vector<FakeFleetd::Packet> all;
    const auto add = [&all](const auto& frame) {
        FakeFleetd::Packet packet(admin::max_frame);
        packet.resize(admin::encode(frame, packet).value_or(0));
        all.push_back(std::move(packet));
    };
    (add(frames), ...);
    return all;
}

struct Result {
    Exit exit = Exit::usage;
    FakeConsole console;
};

/// Runs the command with a client of its own.
void run(Result& result, FleetRequest request, const std::string& path, int patience = 5000) {
    setenv("TZ", "UTC", 1);
    tzset();
    FleetClient client(path, patience);
    FakeHost host;
    FakeNames names;
    const auto name_of = [](uid_t uid) { return uid == 1000 ? std::optional<std::string>("alice") : std::nullopt; };
    result.exit = ctl::fleet(request, {client, host, names, name_of}, result.console);
}

const auto list_reply =
    packets(admin::SessionRow{.host = "web1",
                              .session = 7,
                              .user = "al\x1b[2Jice",
                              .uid = {},
                              .slot = 1,
                              .since = (noon - hour) / second,
                              .service = "sshd",
                              .tty = "pts/1",
                              .origin = "192.0.2.7",
                              .rule = "all"},
            admin::SessionRow{.host = "web2", .session = 8, .user = {}, .uid = 1000, .slot = 2, .since = 0},
            admin::SessionRow{.host = "web2", .session = 9, .user = {}, .uid = 1001, .slot = 3, .since = 0},
            admin::Done{.code = admin::Done::Code::ok, .text = "a remark"});

SESSLIMIT_TEST(fleet_lists_sessions_of_all_hosts) {
    const FakeFleetd fleetd(list_reply);
    Result table;
    run(table, {}, fleetd.path);
    EXPECT(table.exit == Exit::ok, table.console.complaints);
    EXPECT_TEXT(table.console.paged, "HOST SESSION USER         SERVICE TERMINAL FROM      SINCE SLOT RULE\n"
                                     "web1 7       al\\x1b[2Jice sshd    pts/1    192.0.2.7 13:00 1    all\n"
                                     "web2 8       alice        -       -        -         -     2    -\n"
                                     "web2 9       uid:1001     -       -        -         -     3    -\n"
                                     "\n3 sessions on 2 hosts listed.\n");
    EXPECT_TEXT(table.console.complaints, "a remark\n");
    EXPECT(std::holds_alternative<admin::List>(fleetd.request()), "a list");
    Result json;
    json.console.look.json = Json::compact;
    run(json, {}, fleetd.path);
    EXPECT_TEXT(document_problem("fleet-sessions.json", json.console.paged), "");
    EXPECT(contains(json.console.paged, R"("user":"alice","uid":1000)") &&
               contains(json.console.paged, R"("user":null,"uid":1001)") &&
               contains(json.console.paged, R"("since":)" + std::to_string(noon - hour)),
           json.console.paged);
}

SESSLIMIT_TEST(fleet_requests_name_the_user_in_both_ways) {
    struct Case {
        Action action;
        const char* argument;
        std::string_view user;
        std::optional<std::uint32_t> uid;
    };
    const Case cases[] = {
        {Action::list, "alice", "alice", 1000},
        {Action::list, "uid:1000", "alice", 1000},
        {Action::list, "uid:7", "", 7},
        {Action::list, "bob", "bob", std::nullopt},
        {Action::end_user, "uid:1000", "alice", 1000},
        {Action::end_user, "1000", "1000", std::nullopt},
        {Action::end_credential, "SHA256:x", "SHA256:x", std::nullopt},
    };
    for (const Case& one : cases) {
        const FakeFleetd fleetd(packets(admin::Done{}));
        Result result;
        run(result, {.action = one.action, .name = one.argument, .message = "closed"}, fleetd.path);
        const auto request = fleetd.request();
        const auto* list = std::get_if<admin::List>(&request);
        const auto* end = std::get_if<admin::End>(&request);
        EXPECT((list != nullptr) == (one.action == Action::list) && (list != nullptr || end != nullptr), one.argument);
        EXPECT_TEXT(list != nullptr ? list->user : end->subject, one.user);
        EXPECT((list != nullptr ? list->uid : end->uid) == one.uid, one.argument);
        EXPECT(end == nullptr || (end->by == "alice (as root)" && end->reason == "closed" && end->timeout_ms == 5000),
               one.argument);
    }
}

SESSLIMIT_TEST(fleet_marks_hosts_that_differ) {
    const std::string digest(64, 'a');
    const FakeFleetd fleetd(
        packets(admin::HostRow{.name = "web1", .is_this = true, .version = "1", .policy = digest, .sessions = 3},
                admin::HostRow{.name = "web2", .version = "1", .policy = digest, .sessions = 0},
                admin::HostRow{.name = "web3", .version = "2", .policy = "bbb", .sessions = {}},
                admin::HostRow{.name = "web4", .version = "1", .policy = {}, .sessions = 1}, admin::Done{}));
    Result table;
    run(table, {.action = Action::hosts}, fleetd.path);
    EXPECT_TEXT(
        table.console.paged,
        "HOST VERSION POLICY       SESSIONS NOTE\n"
        "web1 1       aaaaaaaaaaaa 3        this host\n"
        "web2 1       aaaaaaaaaaaa 0        -\n"
        "web3 2       bbb          -        other policy, other version\n"
        "web4 1       -            1        -\n"
        "\n4 hosts listed.\n"
        "The policies differ, so that the limits of the hosts can differ. Install the same policy on all hosts.\n");
    Result json;
    json.console.look.json = Json::compact;
    run(json, {.action = Action::hosts}, fleetd.path);
    EXPECT_TEXT(document_problem("fleet-hosts.json", json.console.paged), "");
}

SESSLIMIT_TEST(fleet_status_shows_host_nodes_and_alarms) {
    const FakeFleetd fleetd(packets(admin::StateRow{.fleet = "prod",
                                                    .host = "web1",
                                                    .version = "1",
                                                    .up = false,
                                                    .reason = "no reply",
                                                    .lease = 255,
                                                    .ttl = 30,
                                                    .sessions = 2},
                                    admin::NodeRow{.endpoint = "n1:2379",
                                                   .reachable = true,
                                                   .version = "3.4.23",
                                                   .leader = true,
                                                   .member = 5,
                                                   .size = 1536 * 1024,
                                                   .in_use = 1,
                                                   .revision = 10,
                                                   .raft_index = 20,
                                                   .raft_applied = 20,
                                                   .latency_us = 1234},
                                    admin::NodeRow{.endpoint = "n2:2379",
                                                   .reachable = true,
                                                   .version = "3.4.23",
                                                   .member = 6,
                                                   .size = 512,
                                                   .in_use = 1,
                                                   .revision = 9,
                                                   .raft_index = 20,
                                                   .raft_applied = 19,
                                                   .latency_us = 2},
                                    admin::NodeRow{.endpoint = "n3:2379", .problem = "no answer in time"},
                                    admin::AlarmRow{.type = admin::AlarmRow::Type::no_space, .member = 6},
                                    admin::Done{}));
    Result text;
    run(text, {.action = Action::status}, fleetd.path);
    EXPECT(text.exit == Exit::ok, text.console.complaints);
    EXPECT_TEXT(text.console.printed,
                "   Fleet: prod\n"
                "    Host: web1\n"
                " Version: 1\n"
                "   State: not in the fleet: no reply\n"
                "   Lease: ff, expires 30s after the last sign of life\n"
                "Sessions: 2\n"
                "Identity: name\n"
                "\n"
                "NODE    VERSION ROLE     SIZE    QUOTA LAG         LATENCY STATE\n"
                "n1:2379 3.4.23  leader   1.5 MiB -     0 revisions 1.2 ms  ok\n"
                "n2:2379 3.4.23  follower 512 B   -     1 revision  0.0 ms  ok\n"
                "n3:2379 -       -        -       -     -           -       not reachable: no answer in time\n"
                "\n"
                "The quota is not known, because only etcd 3.6 and later report it.\n"
                "\n"
                "Alarms:\n"
                "  NOSPACE on n2:2379: the quota of etcd is reached. Compact and defragment the database, then run "
                "'etcdctl alarm disarm'.\n");
    Result json;
    json.console.look.json = Json::compact;
    run(json, {.action = Action::status}, fleetd.path);
    EXPECT_TEXT(document_problem("fleet-status.json", json.console.printed), "");
    EXPECT(contains(json.console.printed, R"({"type":"NOSPACE","endpoint":"n2:2379"})"), json.console.printed);
}

SESSLIMIT_TEST(fleet_end_names_hosts_and_those_that_have_not_answered) {
    const FakeFleetd fleetd(packets(admin::EndedRow{.host = "web2", .answered = true, .count = 2},
                                    admin::EndedRow{.host = "web1", .answered = true, .count = 1},
                                    admin::EndedRow{.host = "web4", .answered = true, .count = 0},
                                    admin::EndedRow{.host = "web3"}, admin::Done{}));
    const FleetRequest request{.action = Action::end_user, .name = "alice"};
    Result text;
    text.console.answer = true;
    run(text, request, fleetd.path);
    EXPECT(text.exit == Exit::failed, "a host has not answered");
    EXPECT_TEXT(text.console.questions, "This ends all sessions of alice on all hosts of the fleet.\nEnd them? [y/N] ");
    EXPECT_TEXT(text.console.printed, "Terminating 3 sessions of alice; 3 hosts answered:\n"
                                      "  web1: 1 session\n  web2: 2 sessions\n");
    EXPECT_TEXT(text.console.complaints,
                "1 host has not answered: web3; if they return within 1 h, they terminate the sessions then\n");
    Result json;
    json.console.look.json = Json::compact;
    run(json, request, fleetd.path);
    EXPECT_TEXT(document_problem("fleet-ended.json", json.console.printed), "");
    Result declined;
    declined.console.answer = false;
    run(declined, request, "/nonexistent");
    EXPECT(declined.exit == Exit::failed, "not asked");
    EXPECT_TEXT(declined.console.complaints, "no sessions ended\n");
    Result invalid;
    run(invalid, {.action = Action::end_user, .name = "alice", .message = "two\nlines"}, "/nonexistent");
    EXPECT(invalid.exit == Exit::failed && contains(invalid.console.complaints, "more than one line"), "message");
}

SESSLIMIT_TEST(fleet_hosts_leave_and_are_forgotten) {
    const FakeFleetd fleetd(
        packets(admin::SessionRow{.host = "web9", .session = 7, .user = "bob", .uid = {}, .slot = 1}, admin::Done{}));
    Result forget;
    forget.console.answer = true;
    run(forget, {.action = Action::forget, .name = "web9"}, fleetd.path);
    EXPECT_TEXT(forget.console.printed, "Freed 1 slot of web9:\n  slot 1 of bob, session 7\n"
                                        "If the host is alive, it records its sessions again within a minute.\n");
    EXPECT(contains(forget.console.questions, "records its sessions again within a minute"), forget.console.questions);
    Result drain;
    run(drain, {.action = Action::drain}, fleetd.path);
    EXPECT(drain.exit == Exit::ok && contains(drain.console.printed, "systemctl restart sesslimit-fleetd"), "drain");
    const auto request = fleetd.request();
    const auto* drained = std::get_if<admin::Drain>(&request);
    EXPECT(drained != nullptr && drained->by == "alice (as root)", "the person");
}

SESSLIMIT_TEST(fleet_failures_say_what_to_do) {
    struct Case {
        const char* name;
        std::vector<FakeFleetd::Packet> reply;
        Exit exit;
        std::string_view complaint;
    };
    auto garbage = packets(admin::Done{});
    garbage.front().pop_back();
    const Case cases[] = {
        {"denied", packets(admin::Done{.code = admin::Done::Code::not_allowed, .text = "run \x1b[2J enroll"}),
         Exit::not_allowed, "not allowed: run \\x1b[2J enroll\n"},
        {"failed", packets(admin::Done{.code = admin::Done::Code::failed, .text = "no"}), Exit::failed, "no\n"},
        {"garbage", garbage, Exit::failed, "sesslimit-fleetd has sent an invalid frame: "},
        {"a request", packets(admin::Hosts{}), Exit::failed, "sesslimit-fleetd has sent an invalid frame: "},
        {"closed", {}, Exit::failed, "sesslimit-fleetd has closed the connection; check 'systemctl status"},
    };
    for (const Case& one : cases) {
        const FakeFleetd fleetd(one.reply);
        Result result;
        run(result, {}, fleetd.path);
        EXPECT(result.exit == one.exit, one.name);
        EXPECT(result.console.complaints.starts_with(one.complaint), result.console.complaints);
        EXPECT_TEXT(result.console.paged + result.console.printed, "");
    }
    FakeFleetd silent({});
    silent.keeps_open = true;
    Result hangs;
    run(hangs, {}, silent.path, 50);
    EXPECT(contains(hangs.console.complaints, "sesslimit-fleetd does not answer; check"), hangs.console.complaints);
    Result missing;
    run(missing, {}, "/nonexistent/socket");
    EXPECT(missing.exit == Exit::failed && contains(missing.console.complaints, "install the package sesslimit-fleet"),
           missing.console.complaints);
}

} // namespace
