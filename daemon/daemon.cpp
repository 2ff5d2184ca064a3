// SPDX-License-Identifier: MIT
#include "daemon/daemon.hpp"

#include "daemon/effect_handler.hpp"
#include "daemon/engine.hpp"
#include "daemon/ledger/ledger.hpp"
#include "daemon/ledger_recorder.hpp"
#include "daemon/monitor/clock_monitor.hpp"
#include "daemon/nested_login.hpp"
#include "daemon/output/journal.hpp"
#include "daemon/policy/resolve.hpp"
#include "daemon/policy_log.hpp"
#include "daemon/policy_store/name_retry.hpp"
#include "daemon/policy_store/policy_cache.hpp"
#include "daemon/sockets.hpp"
#include "daemon/systemd/manager.hpp"
#include "daemon/user_lookup.hpp"
#include "daemon/worker.hpp"

#include <systemd/sd-daemon.h>

#include <csignal>
#include <cstdlib>
#include <set>
#include <utility>

namespace sesslimit {
namespace {

using output::Priority;

/// Maximum time in microseconds for which logins wait after a start until the sessions of logind are known.
constexpr std::uint64_t catch_up_within_usec = 1'000'000;

/// Maximum time for which a stopping daemon waits for journald to accept entries.
constexpr Duration journal_timeout = std::chrono::seconds(1);

std::filesystem::path policy_cache_path(const Options& options) {
    return options.runtime_directory / "policy.json";
}

class RealDaemon final : public Daemon {
  public:
    RealDaemon(const Options& options, EventLoop loop) : options_(options), loop_(std::move(loop)) {}

    Result<> prepare() {
        if (auto done = catch_signals(); !done) {
            return done;
        }
        auto worker = Worker::start(loop_.get());
        auto listener = monitor::InputMonitor::make(
            loop_.get(), {.input = [this](SessionKey key) { engine_->handle(core::InputReceived{key}); },
                          .newcomer = [this](uid_t owner) { look_again(owner); }});
        auto wall_clock = monitor::ClockMonitor::make(loop_.get(), [this] { engine_->handle(core::ClockChanged{}); });
        auto sockets = take_sockets(options_, journal_);
        for (const Error* error : {worker ? nullptr : &worker.error(), listener ? nullptr : &listener.error(),
                                   wall_clock ? nullptr : &wall_clock.error(), sockets ? nullptr : &sockets.error()}) {
            if (error != nullptr) {
                return std::unexpected(*error);
            }
        }
        auto server = pam_server::Server::make(loop_.get(), std::move(sockets->logins), server_callbacks());
        if (!server) {
            return std::unexpected(server.error());
        }
        if (!sockets->sock_diag) {
            journal_.log(Priority::warning, "No sock_diag socket: cannot measure network activity of sessions. "
                                            "Check that sesslimitd.socket contains ListenNetlink=.");
        }
        connections_.emplace(std::move(sockets->sock_diag));
        worker_ = *std::move(worker);
        input_monitor_ = *std::move(listener);
        clock_monitor_ = *std::move(wall_clock);
        server_ = *std::move(server);
        wire();
        return {};
    }

    Result<> run() override {
        load_policy([this](policy_store::LoadResult taken) { begin(std::move(taken)); });
        const int code = sd_event_loop(loop_.get());
        sd_notify(0, "STOPPING=1");
        effects_.finish();
        journal_.finish(journal_timeout);
        if (failure_) {
            return std::unexpected(*failure_);
        }
        return code < 0 ? Result<>(fail_errno("run the event loop", -code)) : Result<>();
    }

  private:
    Result<> catch_signals() {
        // The signals are blocked before a second thread exists, so that they are only delivered to the loop.
        sigset_t ours;
        sigemptyset(&ours);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
            sigaddset(&ours, signal);
        }
        sigprocmask(SIG_BLOCK, &ours, nullptr);
        // Without a handler, the loop exits on a signal.
        int code = sd_event_add_signal(loop_.get(), nullptr, SIGTERM, nullptr, nullptr);
        code = code < 0 ? code : sd_event_add_signal(loop_.get(), nullptr, SIGINT, nullptr, nullptr);
        code = code < 0 ? code : sd_event_add_signal(loop_.get(), nullptr, SIGHUP, &RealDaemon::on_reload, this);
        code = code < 0 ? code : sd_event_set_watchdog(loop_.get(), 1);
        return code < 0 ? Result<>(fail_errno("set up signal handling", -code)) : Result<>();
    }

    /// Restores the sessions of the ledger. Errors: another daemon uses the ledger. Two daemons would count
    /// independently.
    Result<> open_ledger() {
        std::vector<std::string> dropped;
        auto ledger = ledger::Ledger::open(
            options_.runtime_directory, [this](core::Session&& session) { restore(std::move(session)); }, dropped);
        for (const std::string& line : dropped) {
            journal_.log(Priority::warning, "Ledger: " + line);
        }
        if (ledger) {
            recorder_.attach(*std::move(ledger), engine_->state());
        } else if (ledger.error().code == EAGAIN || ledger.error().code == EBUSY) {
            return std::unexpected(ledger.error());
        } else {
            recorder_.do_without();
            journal_.log(Priority::error, "Failed to open ledger, continuing without it; session start times "
                                          "will be lost on restart: " +
                                              ledger.error().what);
        }
        return {};
    }

    void restore(core::Session&& session) {
        if (session.login.gids_cut) {
            worker_->submit([this, key = session.key, user = session.login.user]() -> Worker::Done {
                return [this, key, gids = groups_of(user)] {
                    if (gids) { // otherwise only the groups in the record are known
                        engine_->handle(core::GroupsResolved{key, *gids});
                    }
                };
            });
        }
        // The leader, if it still exists, is tracked from here on. The later call of track() then has no effect.
        const auto tracked =
            session.leader.pid == 0 ? Result<bool>(true) : leaders_->track(session.key, session.leader);
        engine_->handle(core::SessionRestored{.session = std::move(session), .leader_gone = tracked && !*tracked});
    }

    void wire() {
        logind_.emplace(loop_.get(), logind_callbacks());
        systemd_.emplace(loop_.get(),
                         [this](const Error& error) { journal_.log(Priority::warning, "systemd: " + error.what); });
        nested_.emplace(*logind_, [this](const std::string& text) { journal_.log(Priority::warning, text); });
        leaders_.emplace(loop_.get(), [this](SessionKey key) { engine_->handle(core::LeaderExited{key}); });
        engine_.emplace(recorder_, effects_, &boottime_now);
        backend_.emplace(DaemonBackend::Dependencies{.engine = *engine_,
                                                     .worker = *worker_,
                                                     .status = [this] { return status(); },
                                                     .reload = [this](auto then) { reload(std::move(then)); }});
        api_.emplace(loop_.get(), *backend_,
                     [this](const Error& error) { journal_.log(Priority::warning, "D-Bus interface: " + error.what); });
        effects_.attach({.loop = loop_.get(),
                         .journal = journal_,
                         .server = *server_,
                         .logind = *logind_,
                         .scopes = *systemd_,
                         .leaders = *leaders_,
                         .listener = *input_monitor_,
                         .connections = *connections_,
                         .api = *api_,
                         .backend = *backend_,
                         .due = [this] { engine_->handle_due(); },
                         .noticed = [this](core::Event event) { engine_->handle(std::move(event)); }});
    }

    pam_server::Server::Callbacks server_callbacks() {
        return {
            .asks = [this](const Leader& leader, UniqueFd pidfd) { leaders_->provide_pidfd(leader, std::move(pidfd)); },
            .event = [this](core::Event event) { requested(std::move(event)); },
            .failed =
                [this](const Error& error) {
                    journal_.log(Priority::warning, "Failed to handle login request: " + error.what);
                }};
    }

    void requested(core::Event event) {
        if (const auto* gone = std::get_if<core::RequestAborted>(&event)) {
            nested_->forget(gone->request);
        }
        auto* opened = std::get_if<core::OpenRequested>(&event);
        if (opened == nullptr || !opened->login.nested ||
            policy::is_ignored(engine_->policy(), opened->login.service)) {
            return engine_->handle(std::move(event));
        }
        nested_->check(std::move(*opened), [this](core::OpenRequested login) { engine_->handle(std::move(login)); });
    }

    logind::Callbacks logind_callbacks() {
        return {.appeared = [this](core::LogindSession session) { appeared(std::move(session)); },
                .gone = [this](std::string id) { gone(std::move(id)); },
                .listed = [this](const std::vector<std::string>& ids) { engine_->reconcile(ids); },
                .caught_up =
                    [this] {
                        // The worker runs this job after the lookups for the listed sessions.
                        worker_->submit([this] { return [this] { serve(); }; });
                    },
                .failed = [this](const Error& error) { journal_.log(Priority::warning, "logind: " + error.what); }};
    }

    /// Starts everything else, after the policy has been loaded.
    void begin(policy_store::LoadResult taken) {
        log_loaded_policy(taken, /*at_start=*/true, journal_);
        take(std::move(taken));
        systemd_->connect();
        logind_->connect(); // answers arrive after this loop iteration, when the ledger has been read
        if (auto done = open_ledger(); !done) {
            failure_ = done.error();
            sd_event_exit(loop_.get(), EXIT_FAILURE);
            return;
        }
        sd_event_source* source = nullptr;
        (void)sd_event_add_time_relative(
            loop_.get(), &source, CLOCK_MONOTONIC, catch_up_within_usec, 0,
            [](sd_event_source*, std::uint64_t, void* self) {
                static_cast<RealDaemon*>(self)->serve();
                return 0;
            },
            this);
        catching_up_.reset(source);
    }

    void serve() {
        if (std::exchange(serving_, true)) {
            return;
        }
        server_->start();
        api_->open();
        sd_notify(0, "READY=1");
    }

    void appeared(core::LogindSession session) {
        const core::State& state = engine_->state();
        if (state.by_logind(session.id) != nullptr ||
            (session.leader.pid != 0 && state.by_leader(session.leader) != nullptr)) {
            return engine_->handle(core::LogindSessionNew{std::move(session)});
        }
        // PAM did not report this session, so the user's groups must be looked up, which may block.
        looked_up_.insert(session.id);
        worker_->submit([this, session = std::move(session)]() mutable -> Worker::Done {
            auto gids = groups_of(session.login.user);
            session.login.gids_cut = !gids; // without an answer, the groups are looked up again at the next start
            session.login.gids = gids ? *std::move(gids) : std::vector<gid_t>{};
            return [this, session = std::move(session)]() mutable {
                if (looked_up_.erase(session.id) > 0) { // otherwise the session is gone
                    engine_->handle(core::LogindSessionNew{std::move(session)});
                }
            };
        });
    }

    void gone(std::string id) {
        looked_up_.erase(id);
        engine_->handle(core::LogindSessionRemoved{std::move(id)});
    }

    /// Probes the user's warned sessions after input on a new terminal. The probes show to which session the terminal
    /// belongs.
    void look_again(uid_t owner) {
        const std::set<SessionKey> keys =
            engine_->state().of_user(owner); // a copy, because the set may change in the loop
        for (const SessionKey key : keys) {
            const core::Session* session = engine_->state().find(key);
            if (session == nullptr || !input_monitor_->listens(key)) {
                continue;
            }
            if (auto looked = effects_.probe_activity(*session)) {
                engine_->handle(*std::move(looked));
            }
        }
    }

    static int on_reload(sd_event_source*, const signalfd_siginfo*, void* self) {
        static_cast<RealDaemon*>(self)->reload([](const Result<>&) {}); // the journal already contains the result
        return 0;
    }

    void reload(std::function<void(Result<>)> then) {
        load_policy([this, then = std::move(then)](policy_store::LoadResult taken) {
            log_loaded_policy(taken, /*at_start=*/false, journal_);
            if (taken.from == policy_store::PolicyOrigin::files) {
                take(std::move(taken));
                then({});
            } else {
                mark_policy_outdated();
                then(fail(text_of(taken.problems), EBADMSG));
            }
        });
    }

    /// Puts a loaded policy into effect.
    void take(policy_store::LoadResult taken) {
        policy_from_ = taken.from;
        enforce(std::move(taken.policy));
        name_retry_.begin(taken.unresolved);
    }

    void enforce(policy::Policy policy) {
        policy_since_ = boottime_now();
        engine_->set_policy(std::make_shared<const policy::Policy>(std::move(policy)));
        api_->emit_policy(status().policy);
    }

    policy_store::NameRetry::Dependencies name_retry_dependencies() {
        return {.arm = [this](std::optional<Duration> pause) { arm_name_retry(pause); },
                .ask =
                    [this](auto then) {
                        worker_->submit([file = policy_cache_path(options_), then = std::move(then)]() -> Worker::Done {
                            policy::SystemNames names;
                            return [then, again = policy_store::look_up_again(file, names)]() mutable {
                                then(std::move(again));
                            };
                        });
                    },
                .found =
                    [this](policy::Policy policy) {
                        journal_.log(Priority::info,
                                     "Resolved users and groups of the policy that did not exist before.");
                        enforce(std::move(policy));
                    }};
    }

    void arm_name_retry(std::optional<Duration> pause) {
        if (!pause) {
            return name_retry_timer_.reset();
        }
        sd_event_source* source = nullptr;
        (void)sd_event_add_time_relative(
            loop_.get(), &source, CLOCK_MONOTONIC, static_cast<std::uint64_t>(pause->count()), 0,
            [](sd_event_source*, std::uint64_t, void* self) {
                static_cast<RealDaemon*>(self)->name_retry_.due();
                return 0;
            },
            this);
        name_retry_timer_.reset(source);
    }

    /// Keeps the policy in effect, and marks it as different from the files.
    void mark_policy_outdated() {
        if (policy_from_ == policy_store::PolicyOrigin::files) {
            policy_from_ = policy_store::PolicyOrigin::cached;
            api_->emit_policy(status().policy);
        }
    }

    [[nodiscard]] api::Status status() const {
        const char* from = policy_from_ == policy_store::PolicyOrigin::files    ? "files"
                           : policy_from_ == policy_store::PolicyOrigin::cached ? "kept"
                                                                                : "none";
        return {.policy = from, .policy_since = policy_since_, .recording = recorder_.is_recording()};
    }

    template <class Then>
    void load_policy(const Then& then) {
        worker_->submit(
            [directory = options_.policy_directory, file = policy_cache_path(options_), then]() -> Worker::Done {
                policy::SystemNames names;
                return [then, taken = policy_store::load_or_fall_back(directory, file, names)]() mutable {
                    then(std::move(taken));
                };
            });
    }

    Options options_;
    EventLoop loop_;
    output::Journal journal_{loop_.get()};
    LedgerRecorder recorder_{journal_};
    std::optional<pam_server::Server> server_;
    std::optional<monitor::InputMonitor> input_monitor_;
    std::optional<inspect::Connections> connections_;
    std::optional<monitor::ClockMonitor> clock_monitor_;
    std::optional<monitor::LeaderMonitor> leaders_;
    std::optional<logind::Logind> logind_;
    std::optional<NestedLogin> nested_;
    std::optional<systemd::Manager> systemd_;
    SystemEffectHandler effects_;
    std::optional<Engine> engine_;
    std::optional<DaemonBackend> backend_;
    std::optional<api::Service> api_;
    policy_store::PolicyOrigin policy_from_ = policy_store::PolicyOrigin::none;
    BootTime policy_since_{};
    EventSource name_retry_timer_; ///< timer of name_retry_
    policy_store::NameRetry name_retry_{name_retry_dependencies()};
    std::set<std::string> looked_up_; ///< IDs of logind sessions whose users' groups are being looked up
    EventSource catching_up_;
    bool serving_ = false;
    std::optional<Error> failure_; ///< reason for the exit from the loop
    std::optional<Worker>
        worker_; // last member, so that its thread is joined before the objects that jobs use are destroyed
};

} // namespace

Result<std::unique_ptr<Daemon>> Daemon::make(const Options& options) {
    sd_event* loop = nullptr;
    if (const int code = sd_event_new(&loop); code < 0) {
        return fail_errno("create the event loop", -code);
    }
    auto daemon = std::make_unique<RealDaemon>(options, EventLoop(loop));
    if (auto done = daemon->prepare(); !done) {
        return std::unexpected(done.error());
    }
    return daemon;
}

} // namespace sesslimit
