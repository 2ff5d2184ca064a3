// SPDX-License-Identifier: MIT
#include "daemon/daemon.hpp"

#include "daemon/daemon_backend.hpp"
#include "daemon/effect_handler.hpp"
#include "daemon/engine.hpp"
#include "daemon/fleet_link/fleet_link.hpp"
#include "daemon/group_completion.hpp"
#include "daemon/host_config/files.hpp"
#include "daemon/host_config/sshd_config.hpp"
#include "daemon/idle_stop_check.hpp"
#include "daemon/inspect/session_snapshots.hpp"
#include "daemon/inspect/stopping_session.hpp"
#include "daemon/ledger_recorder.hpp"
#include "daemon/monitor/clock_monitor.hpp"
#include "daemon/nested_login.hpp"
#include "daemon/policy/resolve.hpp"
#include "daemon/policy_manager.hpp"
#include "daemon/session_discovery.hpp"
#include "daemon/sockets.hpp"
#include "daemon/systemd/manager.hpp"
#include "daemon/user_lookup.hpp"
#include "daemon/worker.hpp"

#include <systemd/sd-daemon.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sesslimit {
namespace {

using output::Priority;

/// Maximum time after its start for which the daemon lets logins wait until it has read the list of sessions from
/// logind.
constexpr Duration catch_up_timeout = std::chrono::seconds(1);

/// Maximum time for which the daemon waits for its name on the bus before it notifies systemd that it is ready. Logins
/// are accepted in the meantime.
constexpr Duration bus_name_timeout = std::chrono::seconds(3);

/// Maximum time for which the stopping daemon waits until journald has accepted the last journal entries.
constexpr Duration journal_timeout = std::chrono::seconds(1);

/// Signals that the daemon handles. SIGTERM and SIGINT stop the daemon, and SIGHUP reloads the policy.
constexpr std::array signals{SIGTERM, SIGINT, SIGHUP};

/// Event loop, journal and event queue, which the other components of the daemon use. The constructor cannot fail.
struct Base {
    explicit Base(EventLoop event_loop) : loop(std::move(event_loop)) {}

    EventLoop loop;
    output::Journal journal{loop.get()};
    EventQueue events;
};

/// Components whose creation fails if file descriptors or other resources of the kernel are exhausted.
struct Resources {
    inspect::Connections connections;
    pam_server::Server server;
    Worker worker;
    monitor::InputMonitor input_monitor;
    monitor::ClockMonitor clock_monitor;
};

Result<Resources> acquire_resources(const Options& options, Base& base) {
    auto sockets = take_sockets(options, base.journal);
    if (!sockets) {
        return std::unexpected(sockets.error());
    }
    if (!sockets->sock_diag) {
        base.journal.log(Priority::warning, "No sock_diag socket: the network activity of sessions cannot be measured. "
                                            "Check that sesslimitd.socket contains ListenNetlink=.");
    }
    auto server = pam_server::Server::make(base.loop.get(), std::move(sockets->logins), [&base](const Error& error) {
        base.journal.log(Priority::warning, "Failed to handle login request: " + error.what);
    });
    if (!server) {
        return std::unexpected(server.error());
    }
    auto worker = Worker::start(base.loop.get());
    if (!worker) {
        return std::unexpected(worker.error());
    }
    auto input_monitor = monitor::InputMonitor::make(base.loop.get(), base.events);
    if (!input_monitor) {
        return std::unexpected(input_monitor.error());
    }
    auto clock_monitor = monitor::ClockMonitor::make(base.loop.get(), base.events);
    if (!clock_monitor) {
        return std::unexpected(clock_monitor.error());
    }
    return Resources{inspect::Connections(std::move(sockets->sock_diag)), *std::move(server), *std::move(worker),
                     *std::move(input_monitor), *std::move(clock_monitor)};
}

} // namespace

struct Daemon::Impl {
    // Each member refers only to members that are declared before it, except in callbacks. The event loop calls
    // callbacks only after all members have been constructed.
    Options options;
    std::unique_ptr<Base> base;
    Resources resources;
    LedgerRecorder recorder{base->journal};
    inspect::SessionSnapshots snapshots{[this](const core::Session& session) {
        return policy::resolve(engine.policy(), session.login).keep.value.programs;
    }};
    IdleStopCheck ends{
        {.events = base->events,
         .settings = [this] { return logind.idle_stop(); },
         .closed = [this](const auto& event) { return core::closed_session(engine.state(), event); },
         .exited = [this](const core::LeaderExited& event) { return engine.state().find(event.session); },
         .state = &inspect::logind_idle_of}};
    monitor::LeaderMonitor leaders{base->loop.get(), ends};
    logind::Logind logind{base->loop.get(), logind_callbacks()};
    systemd::Manager systemd{base->loop.get(), log_errors_of("systemd")};
    api::Service api{base->loop.get(), log_errors_of("D-Bus interface")};
    FleetLink fleet{{.loop = base->loop.get(),
                     .socket = options.fleet_socket,
                     .events = base->events,
                     .state = [this]() -> const core::State& { return engine.state(); },
                     .rule_of = [this](const core::Session& session) { return fleet_rule_of(session); },
                     .warn = [this](const std::string& text) { base->journal.log(Priority::warning, text); },
                     .info = [this](const std::string& text) { base->journal.log(Priority::info, text); },
                     .repaired =
                         [this](const std::string& text) {
                             base->journal.log(Priority::warning, text, messages::fleet_repaired_id, "fleet-repaired");
                         }}};
    SystemEffectHandler effects{{.loop = base->loop.get(),
                                 .journal = base->journal,
                                 .server = resources.server,
                                 .logind = logind,
                                 .scopes = systemd,
                                 .leaders = leaders,
                                 .listener = resources.input_monitor,
                                 .connections = resources.connections,
                                 .snapshots = snapshots,
                                 .api = api,
                                 .fleet = fleet,
                                 .worker = resources.worker,
                                 .missed_file = options.runtime_directory / "missed-reasons",
                                 .events = base->events}};
    Engine engine{base->events, recorder, effects, &boottime_now};
    NestedLogin nested{
        {.logind = logind,
         .events = base->events,
         .is_ignored = [this](const std::string& service) { return policy::is_ignored(engine.policy(), service); },
         .warn = [this](const std::string& text) { base->journal.log(Priority::warning, text); }}};
    GroupCompletion logins{group_completion_for(ends)};
    GroupCompletion nested_logins{group_completion_for(nested)};
    SessionDiscovery discovery{
        {.events = base->events, .engine = engine, .worker = resources.worker, .leaders = leaders}};
    PolicyManager policies{{.loop = base->loop.get(),
                            .worker = resources.worker,
                            .journal = base->journal,
                            .directory = options.policy_directory,
                            .cache = options.runtime_directory / "policy.json",
                            .enforce =
                                [this](policy::Policy policy) {
                                    engine.set_policy(std::make_shared<const policy::Policy>(std::move(policy)));
                                },
                            .changed =
                                [this] {
                                    api.emit_policy(backend.status().policy);
                                    follow_policy();
                                },
                            .problems_changed = [this] { api.emit_policy_problems(); }}};
    DaemonBackend backend{{.events = base->events,
                           .engine = engine,
                           .worker = resources.worker,
                           .policies = policies,
                           .recorder = recorder,
                           .snapshots = snapshots}};
    Timer catch_up_timer{base->loop.get(), CLOCK_MONOTONIC, [this] { serve(); }};
    Timer ready_timer{base->loop.get(), CLOCK_MONOTONIC, [this] { notify_ready(); }};
    std::vector<EventSource> signal_sources;
    /// True after the first call of serve().
    bool serving = false;
    /// True after the first call of notify_ready().
    bool ready = false;
    std::optional<Error> failure; ///< error that stopped the daemon

    Impl(Options given, std::unique_ptr<Base> first, Resources acquired)
        : options(std::move(given)), base(std::move(first)), resources(std::move(acquired)) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    // The worker thread is stopped first, because its jobs refer to other members.
    ~Impl() { resources.worker.stop(); }

    logind::Callbacks logind_callbacks() {
        return {.appeared = [this](core::LogindSession session) { discovery.add(std::move(session)); },
                .gone = [this](const std::string& id) { discovery.remove(id); },
                .listed = [this](const std::vector<std::string>& ids) { engine.reconcile(ids); },
                .caught_up =
                    [this] {
                        // The worker thread runs its jobs in order. serve(), which accepts logins, therefore runs only
                        // after the groups of the users of all listed sessions have been looked up.
                        resources.worker.submit([this] { return [this] { serve(); }; });
                    },
                .failed = log_errors_of("logind")};
    }

    GroupCompletion::Dependencies group_completion_for(core::EventSink& events) {
        return {.worker = resources.worker,
                .events = events,
                .look_up = [](const std::string& user) { return groups_of(user); },
                .warn = [this](const std::string& text) { base->journal.log(Priority::warning, text); }};
    }

    /// Returns the name of the rule that limits the sessions of a user in the fleet. Empty if [defaults] sets the
    /// limit.
    std::string fleet_rule_of(const core::Session& session) {
        const policy::Limits limits = policy::resolve(engine.policy(), session.login);
        const policy::Source* source = policy::source_of(engine.policy(), limits.max_sessions_fleet.from);
        return source == nullptr ? std::string() : source->rule;
    }

    /// Connects to sesslimit-fleetd, if the policy requires it. Does nothing before all sessions are known, because
    /// sesslimit-fleetd releases the slots of sessions that the daemon does not list.
    void follow_policy() {
        if (serving) {
            fleet.follow(policy::limits_fleet(engine.policy()), policies.digest());
        }
    }

    std::function<void(const Error&)> log_errors_of(const std::string& component) {
        return [this, component](const Error& error) {
            base->journal.log(Priority::warning, component + ": " + error.what);
        };
    }

    Result<> handle_signals() {
        for (const int signal : signals) {
            auto source = watch_signal(base->loop.get(), signal, [this, signal] {
                if (signal == SIGHUP) {
                    policies.reload([](const Result<>&) {}); // reload() logs the result
                } else {
                    sd_event_exit(base->loop.get(), EXIT_SUCCESS);
                }
            });
            if (!source) {
                return std::unexpected(source.error());
            }
            signal_sources.push_back(*std::move(source));
        }
        const int code = sd_event_set_watchdog(base->loop.get(), 1);
        return code < 0 ? Result<>(fail_errno("set the watchdog", -code)) : Result<>();
    }

    /// Logs if sshd does not use PAM, so that the daemon cannot see its logins.
    void check_sshd() {
        resources.worker.submit([this]() -> Worker::Done {
            host_config::HostFiles files("/");
            const auto at =
                host_config::sshd_without_pam([&files](const std::string& pattern) { return files.matching(pattern); });
            return [this, at] {
                if (at) {
                    base->journal.log(Priority::warning, host_config::sshd_without_pam_text(*at));
                }
            };
        });
    }

    /// Connects to systemd and logind, and restores the sessions of the ledger. Called after the policy has been
    /// loaded.
    void begin() {
        engine.postpone_probes();
        systemd.connect();
        effects.load();
        // logind's replies are handled in a later iteration of the event loop, after the sessions of the ledger have
        // been restored.
        logind.connect();
        if (auto done = open_ledger(); !done) {
            failure = done.error();
            sd_event_exit(base->loop.get(), EXIT_FAILURE);
            return;
        }
        if (const auto armed = catch_up_timer.arm_in(catch_up_timeout); !armed) {
            base->journal.log(Priority::warning,
                              "Accepting logins before the sessions of logind have been read: " + armed.error().what);
            serve();
        }
    }

    /// Restores the sessions that are recorded in the ledger file. If the file cannot be opened, logs the error and
    /// continues without a ledger. Errors: another instance of the daemon uses the ledger file. The daemon must then
    /// not continue, because two instances would count sessions independently of each other.
    Result<> open_ledger() {
        std::vector<std::string> dropped;
        auto ledger = ledger::Ledger::open(
            options.runtime_directory, [this](core::Session&& session) { discovery.restore(std::move(session)); },
            dropped);
        for (const std::string& line : dropped) {
            base->journal.log(Priority::warning, "Ledger: " + line);
        }
        if (ledger) {
            recorder.attach(*std::move(ledger), engine.state());
            return {};
        }
        if (ledger.error().code == EAGAIN || ledger.error().code == EBUSY) {
            return std::unexpected(ledger.error());
        }
        recorder.do_without();
        base->journal.log(Priority::error, "Failed to open the ledger, continuing without it. "
                                           "Start times of sessions will be lost if sesslimitd restarts: " +
                                               ledger.error().what);
        return {};
    }

    /// Starts to accept login requests and D-Bus calls. Does nothing if it is called again.
    void serve() {
        if (std::exchange(serving, true)) {
            return;
        }
        follow_policy();
        resources.server.start({.events = logins, .nested = nested_logins});
        api.open(backend, [this] { notify_ready(); });
        if (!ready_timer.arm_in(bus_name_timeout)) {
            notify_ready();
        }
        check_sshd();
    }

    /// Notifies systemd that the daemon is ready. Does nothing if it is called again. A command that follows the start
    /// of the daemon finds it on the bus, unless the bus does not answer.
    void notify_ready() {
        if (!std::exchange(ready, true)) {
            ready_timer.disarm();
            sd_notify(0, "READY=1");
            engine.start_probes();
        }
    }

    Result<> run() {
        policies.load([this] { begin(); });
        const int code = sd_event_loop(base->loop.get());
        sd_notify(0, "STOPPING=1");
        effects.finish();
        base->journal.finish(journal_timeout);
        if (failure) {
            return std::unexpected(*failure);
        }
        return code < 0 ? Result<>(fail_errno("run the event loop", -code)) : Result<>();
    }
};

Daemon::Daemon(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Daemon::Daemon(Daemon&&) noexcept = default;
Daemon& Daemon::operator=(Daemon&&) noexcept = default;
Daemon::~Daemon() = default;

Result<Daemon> Daemon::make(const Options& options) {
    block_signals(signals);
    auto loop = make_event_loop();
    if (!loop) {
        return std::unexpected(loop.error());
    }
    auto base = std::make_unique<Base>(*std::move(loop));
    auto resources = acquire_resources(options, *base);
    if (!resources) {
        return std::unexpected(resources.error());
    }
    auto impl = std::make_unique<Impl>(options, std::move(base), *std::move(resources));
    if (auto done = impl->handle_signals(); !done) {
        return std::unexpected(done.error());
    }
    return Daemon(std::move(impl));
}

Result<> Daemon::run() {
    return impl_->run();
}

} // namespace sesslimit
