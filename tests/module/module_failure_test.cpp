// SPDX-License-Identifier: MIT
// Daemons that are absent, stall, send invalid replies or die, and logins about which no request can be sent.
#include "common/clock.hpp"
#include "ctl/client/enforcement.hpp"
#include "tests/module/login.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <dlfcn.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <utility>

namespace {

/// Makes the next connect() return only after the peer has closed, so that the following send is too late.
bool late_hang_up = false;

/// Seconds of the last long sleep of the module, which is skipped.
time_t slept = 0;

/// Is called instead of this sleep.
std::function<void()> on_sleep;

} // namespace

extern "C" [[gnu::visibility("default")]] int nanosleep(const timespec* wanted, timespec* left) {
    static const auto real = reinterpret_cast<decltype(&nanosleep)>(dlsym(RTLD_NEXT, "nanosleep"));
    if (wanted->tv_sec < 3) {
        return real(wanted, left);
    }
    slept = wanted->tv_sec;
    if (on_sleep) {
        on_sleep();
    }
    return 0;
}

extern "C" [[gnu::visibility("default")]] int connect(int socket, const sockaddr* address, socklen_t size) {
    static const auto real = reinterpret_cast<decltype(&connect)>(dlsym(RTLD_NEXT, "connect"));
    const int result = real(socket, address, size);
    if (std::exchange(late_hang_up, false)) {
        pollfd hang_up{.fd = socket, .events = 0, .revents = 0};
        (void)poll(&hang_up, 1, 10'000);
    }
    return result;
}

namespace sesslimit::test {
namespace {

using std::chrono::milliseconds;

constexpr char unsure[] = "error: Login denied: the session limit service is unavailable. Please try again later.";
/// Far more than scheduling delays, far less than an endless wait.
constexpr milliseconds slack(20'000);

std::string good_frame() {
    return frame_of({.outcome = wire::Outcome::admitted, .session = 9, .text = "welcome"});
}

std::string changed(std::string frame, std::size_t at, char to) {
    frame.at(at) = to;
    return frame;
}

/// Returns a valid frame, extended to the maximum frame size by a field with an unknown tag.
std::string max_frame_length() {
    std::string frame = good_frame();
    const auto tag = std::uint16_t{99};
    const auto length = static_cast<std::uint16_t>(wire::max_frame - frame.size() - 4);
    frame.append(reinterpret_cast<const char*>(&tag), sizeof tag);
    frame.append(reinterpret_cast<const char*>(&length), sizeof length);
    frame.resize(wire::max_frame, 'x');
    const auto all = static_cast<std::uint32_t>(frame.size() - 12);
    frame.replace(8, sizeof all, reinterpret_cast<const char*>(&all), sizeof all);
    return frame;
}

struct Liar {
    const char* name;
    Step step;
    const char* log;
    unsigned connections;
};

std::vector<Liar> liars() {
    const std::string good = good_frame();
    return {
        {"failed", answers({.outcome = wire::Outcome::failed, .session = 0, .text = {}}), "could not decide", 1},
        {"noted", answers({.outcome = wire::Outcome::noted, .session = 0, .text = {}}), "malformed reply", 1},
        {"rubbish", answers("what is this"), "malformed reply", 1},
        {"one byte", answers("S"), "malformed reply", 1},
        {"cut in half", answers(good.substr(0, good.size() / 2)), "malformed reply", 1},
        {"one byte more", answers(good + "x"), "malformed reply", 1},
        {"another version", answers(changed(good, 4, 2)), "different protocol versions", 1},
        {"another kind", answers(changed(good, 6, 1)), "malformed reply", 1},
        {"longer than the maximum", answers(good + std::string(2 * wire::max_frame, 'x')), "malformed reply", 1},
        {"a whole frame and a byte", answers(max_frame_length() + "x"), "malformed reply", 1},
        {"closes at once", dies_before_reading(), "closed the connection", 4},
        {"reads and closes", dies_after_reading(), "closed the connection", 4},
    };
}

/// Returns the number of lines of this priority that sesslimitctl counts as logins admitted without the daemon.
std::ptrdiff_t recognised(int priority) {
    return std::ranges::count_if(log_lines(), [priority](const LogLine& line) {
        const auto login = ctl::parse_uncounted("pam_sesslimit(sshd:session): " + line.text);
        return line.priority == priority && login && !login->user.empty() && !login->reason.empty();
    });
}

SESSLIMIT_TEST(invalid_reply_treated_as_failure) {
    for (const Liar& liar : liars()) {
        clear_log();
        const FakeDaemon daemon({liar.step});
        const std::size_t before = open_descriptors();
        Login allow(daemon.socket(), "on_error=allow");
        const int allowed = allow.open();
        const unsigned connections = daemon.connections();
        Login deny(daemon.socket(), "on_error=deny");
        const int denied = deny.open();
        Login quiet(daemon.socket(), "on_error=deny quiet");
        const int quietly = quiet.open();
        Login root(daemon.socket(), "on_error=deny", "root");
        const int as_root = root.open();
        EXPECT(allowed == PAM_SUCCESS, liar.name);
        EXPECT_TEXT(allow.said(), "");
        EXPECT(connections == liar.connections, liar.name);
        EXPECT(denied == PAM_SESSION_ERR, liar.name);
        EXPECT_TEXT(deny.said(), unsure);
        EXPECT(quietly == PAM_SESSION_ERR, liar.name);
        EXPECT_TEXT(quiet.said(), "");
        EXPECT(as_root == PAM_SUCCESS, liar.name);
        EXPECT(recognised(LOG_WARNING) == 2 && recognised(LOG_ERR) == 0, liar.name);
        EXPECT(logged(LOG_WARNING, std::string("admitted uncounted: ")) && logged(LOG_WARNING, liar.log), liar.name);
        EXPECT(logged(LOG_ERR, std::string("denied: ")) && logged(LOG_ERR, liar.log), liar.name);
        EXPECT(open_descriptors() == before, liar.name);
    }
}

/// Without a delay, agetty would clear the reason from the screen, and start denied logins faster than systemd permits.
SESSLIMIT_TEST(module_waits_after_denial_of_local_login) {
    struct Case {
        const char *arguments, *user, *tty, *rhost;
        time_t delay;
    };
    constexpr Case cases[] = {
        {"on_error=deny", ordinary_user, "tty1", "", 5},  {"on_error=deny quiet", ordinary_user, "/dev/hvc0", "", 5},
        {"on_error=deny", ordinary_user, ":0", "", 5},    {"on_error=deny", ordinary_user, "ssh", "192.0.2.1", 0},
        {"on_error=deny", ordinary_user, "pts/3", "", 0}, {"on_error=deny", ordinary_user, "tty1", "192.0.2.1", 0},
        {"on_error=allow", ordinary_user, "tty1", "", 0}, {"on_error=deny", "root", "tty1", "", 0},
    };
    for (const Case& one : cases) {
        Login login("/nonexistent/socket", one.arguments, one.user, "login");
        login.set(PAM_TTY, one.tty);
        login.set(PAM_RHOST, one.rhost);
        slept = 0;
        (void)login.open();
        EXPECT(slept == one.delay, std::string(one.arguments) + " " + one.tty);
    }
    const wire::Verdict denial{.outcome = wire::Outcome::denied, .session = 0, .text = "limit reached"};
    const FakeDaemon daemon({answers(denial), answers(denial)});
    Login console(daemon.socket(), "", ordinary_user, "login");
    console.set(PAM_TTY, "tty1");
    std::string said_before;
    on_sleep = [&] { said_before = console.said(); };
    const int denied = console.open();
    on_sleep = {};
    EXPECT(denied == PAM_PERM_DENIED && slept == 5, "denied by the daemon");
    EXPECT_TEXT(said_before, "error: limit reached");
    slept = 0;
    Login remote(daemon.socket(), "", ordinary_user, "login");
    EXPECT(remote.open() == PAM_PERM_DENIED && slept == 0, "not on a console");
}

SESSLIMIT_TEST(longest_frame_read) {
    const FakeDaemon daemon({answers(max_frame_length())});
    Login login(daemon.socket(), "on_error=deny");
    EXPECT(login.open() == PAM_SUCCESS, "a frame with an unknown field");
}

SESSLIMIT_TEST(daemon_exit_before_send_raises_no_sigpipe) {
    const FakeDaemon daemon({dies_before_reading(), admits(3)});
    Login login(daemon.socket(), "on_error=deny");
    late_hang_up = true;
    const int opened = login.open();
    EXPECT(opened == PAM_SUCCESS && daemon.connections() == 2, "asked again");
}

SESSLIMIT_TEST(reply_without_reading_request_accepted) {
    clear_log();
    for (const bool late : {false, true}) {
        const FakeDaemon daemon(
            {answers_without_reading({.outcome = wire::Outcome::failed, .session = 0, .text = {}})});
        Login login(daemon.socket(), "on_error=deny");
        late_hang_up = late;
        const int opened = login.open();
        EXPECT(opened == PAM_SESSION_ERR, "open");
        EXPECT(daemon.connections() == 1, "not asked again");
        EXPECT(logged(LOG_ERR, "could not decide"), "log");
    }
}

SESSLIMIT_TEST(restarted_daemon_asked_again) {
    const std::size_t before = open_descriptors();
    const FakeDaemon daemon({dies_after_reading(), dies_before_reading(), admits(3)});
    Login login(daemon.socket(), "on_error=deny");
    const int opened = login.open();
    const auto first = wire::decode_open(daemon.frame(0));
    const auto second = wire::decode_open(daemon.frame(1));
    EXPECT(opened == PAM_SUCCESS, "open");
    EXPECT(daemon.connections() == 3, "three tries");
    EXPECT(first && second && first->user == second->user && first->budget_ms == second->budget_ms, "same request");
    EXPECT(open_descriptors() == before, "no descriptor leaked");
}

/// Result and duration of one open.
struct Timed {
    int code = 0;
    Duration took{};
};

Timed timed_open(Login& login) {
    const MonotonicTime start = monotonic_now();
    const int code = login.open();
    return {code, monotonic_now() - start};
}

SESSLIMIT_TEST(stalled_daemon_delays_login_by_budget) {
    clear_log();
    const FakeDaemon daemon({stalls()});
    Login login(daemon.socket(), "on_error=deny timeout=150ms");
    const Timed got = timed_open(login);
    EXPECT(got.code == PAM_SESSION_ERR, "code");
    EXPECT(got.took >= milliseconds(150) && got.took < milliseconds(150) + slack, "time");
    EXPECT(logged(LOG_ERR, "did not answer in time"), "log");
    EXPECT(daemon.connections() == 1, "not tried again");
}

SESSLIMIT_TEST(budget_shared_by_all_attempts) {
    const FakeDaemon daemon({Step{.delay_ms = 120, .answer = {}}});
    Login login(daemon.socket(), "on_error=deny timeout=200ms");
    const Timed got = timed_open(login);
    EXPECT(got.code == PAM_SESSION_ERR, "code");
    EXPECT(got.took >= milliseconds(200) && daemon.connections() <= 2, "time");
}

/// Returns a step that sends the verdict after the budget, with an optional frame sent first.
Step late(const std::string& first) {
    const wire::Verdict verdict{.outcome = wire::Outcome::admitted, .session = 5, .text = {}};
    return {.delay_ms = 1500, .answer = frame_of(verdict), .first = first};
}

SESSLIMIT_TEST(wait_frame_extends_budget) {
    const FakeDaemon announced({late(frame_of(wire::Wait{5000}))});
    const FakeDaemon unannounced({late({})});
    const FakeDaemon too_short({late(frame_of(wire::Wait{20}))});
    const FakeDaemon twice({Step{.answer = frame_of(wire::Wait{5000}), .first = frame_of(wire::Wait{5000})}});
    const auto code = [](const FakeDaemon& daemon) {
        Login login(daemon.socket(), "on_error=deny timeout=1s");
        return login.open();
    };
    EXPECT(code(announced) == PAM_SUCCESS, "announced");
    EXPECT(code(unannounced) == PAM_SESSION_ERR, "unannounced");
    EXPECT(code(too_short) == PAM_SESSION_ERR, "too short");
    EXPECT(code(twice) == PAM_SESSION_ERR, "a second wait frame is not accepted");
}

/// Fills the queue of a listener that does not accept connections.
std::vector<UniqueFd> fill_queue(const std::string& path) {
    std::vector<UniqueFd> waiting;
    for (;;) {
        waiting.emplace_back(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (connect(waiting.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            return waiting;
        }
    }
}

SESSLIMIT_TEST(full_listen_queue_delays_login_by_budget) {
    clear_log();
    const TempDir dir;
    const UniqueFd listener = listen_at(dir.file("socket"), 1);
    const auto waiting = fill_queue(dir.file("socket"));
    Login login(dir.file("socket"), "on_error=deny timeout=150ms");
    const Timed got = timed_open(login);
    EXPECT(got.code == PAM_SESSION_ERR, "code");
    EXPECT(got.took >= milliseconds(150) && got.took < milliseconds(150) + slack, "time");
    EXPECT(logged(LOG_ERR, "did not answer in time"), "log");
}

SESSLIMIT_TEST(absent_daemon_fails_immediately) {
    clear_log();
    const TempDir dir;
    (void)listen_at(dir.file("deserted"), 1);
    Login nothing(dir.file("nothing"), "on_error=allow timeout=1min");
    Login deserted(dir.file("deserted"), "on_error=deny timeout=1min");
    const Timed first = timed_open(nothing);
    const Timed second = timed_open(deserted);
    EXPECT(first.code == PAM_SUCCESS && second.code == PAM_SESSION_ERR, "codes");
    EXPECT(first.took < slack && second.took < slack, "time");
    EXPECT(logged(LOG_WARNING, "cannot connect to the daemon: No such file or directory"), "log");
    EXPECT(logged(LOG_ERR, "cannot connect to the daemon: Connection refused"), "log");
}

volatile std::sig_atomic_t signals = 0;

/// Raises a signal every 3 ms, with a handler installed without SA_RESTART.
class SignalStorm {
  public:
    SignalStorm() {
        signals = 0;
        struct sigaction action{};
        action.sa_handler = [](int) { signals = signals + 1; };
        sigaction(SIGALRM, &action, &before_);
        const itimerval every{.it_interval = {0, 3000}, .it_value = {0, 3000}};
        setitimer(ITIMER_REAL, &every, nullptr);
    }
    SignalStorm(const SignalStorm&) = delete;
    SignalStorm& operator=(const SignalStorm&) = delete;
    ~SignalStorm() {
        const itimerval off{};
        setitimer(ITIMER_REAL, &off, nullptr);
        sigaction(SIGALRM, &before_, nullptr);
    }

  private:
    struct sigaction before_{};
};

SESSLIMIT_TEST(signals_do_not_change_wait_time) {
    const FakeDaemon slow({Step{.delay_ms = 100, .answer = good_frame()}});
    const FakeDaemon stalled({stalls()});
    const TempDir dir;
    const UniqueFd listener = listen_at(dir.file("socket"), 1);
    const auto waiting = fill_queue(dir.file("socket"));
    Login answered(slow.socket(), "on_error=deny timeout=20s");
    Login late(stalled.socket(), "on_error=deny timeout=150ms");
    Login queued(dir.file("socket"), "on_error=deny timeout=150ms");
    Timed got[3];
    {
        const SignalStorm storm;
        got[0] = timed_open(answered);
        got[1] = timed_open(late);
        got[2] = timed_open(queued);
    }
    EXPECT(signals > 3, "there were signals"); // usually 130
    EXPECT(got[0].code == PAM_SUCCESS && slow.connections() == 1, "answered");
    EXPECT(got[1].code == PAM_SESSION_ERR && got[2].code == PAM_SESSION_ERR, "late");
    EXPECT(got[1].took >= milliseconds(150) && got[1].took < milliseconds(150) + slack, "waiting for an answer");
    EXPECT(got[2].took >= milliseconds(150) && got[2].took < milliseconds(150) + slack, "waiting in the queue");
}

struct Unknown {
    const char* name;
    const char* user;
    std::string service;
    const char* log;
};

SESSLIMIT_TEST(login_without_valid_request_treated_as_failure) {
    const std::string endless(65536, 'u');
    const std::string long_name(wire::max_user + 1, 'u');
    const std::string long_service(wire::max_service + 1, 's');
    const Unknown table[] = {
        {"no user", nullptr, "sshd", "PAM_USER is missing or empty"},
        {"an empty user name", "", "sshd", "PAM_USER is missing or empty"},
        {"unknown", "no-such-user-here", "sshd", "the user does not exist"},
        {"256 bytes", long_name.c_str(), "sshd", "too long"},
        {"64 KiB", endless.c_str(), "sshd", "too long"},
        {"service", ordinary_user, long_service, "PAM_SERVICE is missing or too long"},
    };
    for (const Unknown& row : table) {
        clear_log();
        const FakeDaemon daemon({admits(1)});
        Login allow(daemon.socket(), "on_error=allow", row.user, row.service);
        Login deny(daemon.socket(), "on_error=deny", row.user, row.service);
        const int allowed = allow.open();
        const int denied = deny.open();
        EXPECT(allowed == PAM_SUCCESS && denied == PAM_SESSION_ERR, row.name);
        EXPECT(logged(LOG_WARNING, row.log) && logged(LOG_ERR, row.log), row.name);
        EXPECT_TEXT(deny.said(), unsure);
        EXPECT(daemon.connections() == 0, row.name);
    }
}

SESSLIMIT_TEST(close_always_succeeds) {
    clear_log();
    const TempDir dir;
    Login nobody_there(dir.file("socket"), "on_error=deny");
    const int closed = nobody_there.close();
    EXPECT(closed == PAM_SUCCESS, "no daemon");
    for (const Liar& liar : liars()) {
        const FakeDaemon daemon({liar.step});
        Login login(daemon.socket(), "on_error=deny");
        const int code = login.close();
        EXPECT(code == PAM_SUCCESS, liar.name);
        EXPECT(daemon.connections() == 1, liar.name);
    }
    const FakeDaemon stalled({stalls()});
    Login login(stalled.socket(), "timeout=100ms");
    const MonotonicTime start = monotonic_now();
    const int code = login.close();
    const Duration took = monotonic_now() - start;
    EXPECT(code == PAM_SUCCESS && took >= milliseconds(100) && took < milliseconds(100) + slack, "stalls");
    EXPECT(log_lines().empty(), "quietly");
}

} // namespace
} // namespace sesslimit::test
