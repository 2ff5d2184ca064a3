// SPDX-License-Identifier: MIT
#include "fleet/fleetd/fleetd.hpp"

#include "common/text.hpp"
#include "daemon/event_loop.hpp"
#include "fleet/agent.hpp"
#include "fleet/etcd/client.hpp"
#include "fleet/fleetd/admin_server.hpp"
#include "fleet/fleetd/certificate_reminder.hpp"
#include "fleet/fleetd/config.hpp"
#include "fleet/fleetd/daemon_link.hpp"
#include "fleet/fleetd/file_watch.hpp"
#include "fleet/fleetd/log.hpp"
#include "fleet/fleetd/sockets.hpp"
#include "fleet/fleetd/system_state.hpp"
#include "fleet/orders.hpp"

#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sesslimit::fleet {
namespace {

/// Signals that the process handles. SIGTERM and SIGINT stop it, and SIGHUP reads the files for TLS again.
constexpr std::array signals{SIGTERM, SIGINT, SIGHUP};

/// Maximum delay of the agent's timer.
constexpr Duration timer_accuracy = std::chrono::milliseconds(10);

/// Time for which the process waits at a shutdown of the system until etcd has deleted the records of the host.
constexpr Duration leave_timeout = std::chrono::seconds(3);

/// ID of this application, from which sd-id128(3) derives the IDs that etcd stores.
constexpr sd_id128_t application = SD_ID128_MAKE(5d, 33, 0f, 0e, 6b, 8a, 4b, 0c, 9e, 41, 7c, a1, 58, e2, d7, 90);

std::string text_of(sd_id128_t id) {
    std::array<char, SD_ID128_STRING_MAX> text{};
    return sd_id128_to_string(id, text.data());
}

Result<HostRecord> describe_host() {
    sd_id128_t machine{};
    sd_id128_t boot{};
    if (const int code = sd_id128_get_machine_app_specific(application, &machine); code < 0) {
        return fail_errno("read /etc/machine-id", -code);
    }
    if (const int code = sd_id128_get_boot(&boot); code < 0) {
        return fail_errno("read the ID of the boot", -code);
    }
    return HostRecord{.machine = text_of(machine), .boot = text_of(boot), .version = SESSLIMIT_VERSION};
}

void log_notice(const CertificateReminder::Notice& notice) {
    log(notice.is_warning ? LOG_WARNING : LOG_INFO, notice.text);
}

/// Reads and checks the files for TLS, and logs when the certificate expires.
Result<etcd::Credentials> load_credentials(const Config& config, CertificateReminder& reminder) {
    auto credentials = read_credentials(config);
    if (!credentials) {
        return credentials;
    }
    auto certificate = etcd::check(*credentials);
    if (!certificate) {
        return std::unexpected(certificate.error());
    }
    log_notice(reminder.on_loaded(boottime_now(), wall_now(), *std::move(certificate)));
    return credentials;
}

/// `frame` must contain a user ID if the fleet identifies users by it.
Session session_of(const wire::SessionFrame& frame, Identity identity, bool enforced) {
    return {.key = frame.session,
            .limit = frame.limit,
            .enforced = enforced,
            .record = {.user = identity == Identity::uid ? std::to_string(frame.uid.value()) : std::string(frame.user),
                       .slot = 0,
                       .since = static_cast<std::int64_t>(frame.since),
                       .service = std::string(frame.service),
                       .tty = std::string(frame.tty),
                       .origin = std::string(frame.origin),
                       .rule = std::string(frame.rule)}};
}

/// Everything that can fail to be created.
struct Parts {
    EventLoop loop;
    Config config;
    CertificateReminder reminder;
    etcd::Credentials credentials;
    HostRecord host;
};

} // namespace

struct Fleetd::Impl final : Effects, OrderEffects {
    // Each member refers only to members that are declared before it, except in callbacks.
    EventLoop loop;
    Config config;
    CertificateReminder reminder;
    etcd::Credentials credentials;
    Agent agent;
    Orders orders;
    std::optional<etcd::Client> client;
    std::unique_ptr<DaemonLink> link;
    std::unique_ptr<AdminServer> admins; ///< Empty without a socket for administrators.
    std::unique_ptr<FileWatch> files;
    Timer timer{loop.get(), CLOCK_BOOTTIME, [this] { on_time(); }, timer_accuracy};
    Timer leave_timer{loop.get(), CLOCK_BOOTTIME, [this] { stop(); }};
    std::vector<EventSource> signal_sources;
    bool up = false;
    /// `up` has been reported by the agent. Until then the daemon waits, because etcd may answer at once.
    bool is_state_known = false;
    /// Reason why the fleet is down.
    std::string reason = "waiting for etcd, and for sesslimitd, which connects if the policy sets max_sessions_fleet";
    bool leaving = false;

    explicit Impl(Parts parts)
        : loop(std::move(parts.loop)), config(std::move(parts.config)), reminder(std::move(parts.reminder)),
          credentials(std::move(parts.credentials)), agent({.fleet = config.fleet,
                                                            .host = config.host,
                                                            .record = std::move(parts.host),
                                                            .host_ttl = config.host_ttl,
                                                            .seed = std::random_device()()},
                                                           *this),
          orders(config.fleet, config.host, std::random_device()(), *this) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() override = default;

    Result<> start(Sockets sockets) {
        for (const int signal : signals) {
            auto source = watch_signal(loop.get(), signal, [this, signal] { on_signal(signal); });
            if (!source) {
                return std::unexpected(source.error());
            }
            signal_sources.push_back(*std::move(source));
        }
        if (const int code = sd_event_set_watchdog(loop.get(), 1); code < 0) {
            return fail_errno("set the watchdog", -code);
        }
        auto started = etcd::Client::start(
            loop.get(), config.endpoints, credentials,
            [this](std::uint64_t id, const CallResult& result, bool repeated) { on_result(id, result, repeated); });
        if (!started) {
            return std::unexpected(started.error());
        }
        client.emplace(*std::move(started));
        auto made = DaemonLink::make(loop.get(), std::move(sockets.daemon),
                                     {.received = [this](const wire::DaemonFrame& frame) { on_frame(frame); },
                                      .received_all = [this] { arm_timer(); },
                                      .warn = [](const std::string& text) { log(LOG_WARNING, text); }});
        if (!made) {
            return std::unexpected(made.error());
        }
        link = *std::move(made);
        if (auto added = add_admin_server(std::move(sockets.admin)); !added) {
            return added;
        }
        auto watch = FileWatch::make(loop.get(), {config.ca, config.certificate, config.key}, [this] { reload(); });
        if (watch) {
            files = *std::move(watch);
        } else {
            log(LOG_WARNING, "Changes of the files for TLS are only noticed after \"systemctl reload "
                             "sesslimit-fleetd\": " +
                                 watch.error().what);
        }
        agent.start(boottime_now());
        arm_timer();
        return {};
    }

    Result<> add_admin_server(UniqueFd socket) {
        if (!socket) {
            return {};
        }
        auto made = AdminServer::make(loop.get(), std::move(socket),
                                      {.settings = [this] { return admin_settings(); },
                                       .state = [this] { return state(); },
                                       .connect =
                                           [this](etcd::Client::Done done) {
                                               return etcd::Client::start(loop.get(), config.endpoints, credentials,
                                                                          std::move(done));
                                           },
                                       .leave =
                                           [this](const std::string& why) {
                                               agent.leave(boottime_now(), why);
                                               orders.leave();
                                               arm_timer();
                                           },
                                       .note = [](const std::string& text) { log(LOG_NOTICE, text); },
                                       .warn = [](const std::string& text) { log(LOG_WARNING, text); }});
        if (!made) {
            return std::unexpected(made.error());
        }
        admins = *std::move(made);
        return {};
    }

    [[nodiscard]] AdminRequest::Settings admin_settings() const {
        std::random_device random;
        const std::uint64_t order = std::uint64_t{random()} << 32 | random();
        return {.fleet = config.fleet,
                .host = config.host,
                .version = SESSLIMIT_VERSION,
                .by_uid = config.identity == Identity::uid,
                .host_ttl = config.host_ttl,
                .endpoints = config.endpoints,
                .order = std::max<std::uint64_t>(1, order)};
    }

    [[nodiscard]] HostState state() const {
        return {.up = up,
                .reason = up ? std::string() : reason,
                .lease = agent.lease(),
                .sessions = static_cast<std::uint32_t>(agent.recorded())};
    }

    // --- Events ----------------------------------------------------------------------------------------------------

    void on_time() {
        const BootTime now = boottime_now();
        agent.on_time(now);
        orders.on_time(now);
        if (const auto notice = reminder.on_time(now, wall_now())) {
            log_notice(*notice);
        }
        arm_timer();
    }

    void on_result(std::uint64_t id, const CallResult& result, bool repeated) {
        if ((id & Orders::id_bit) != 0) {
            orders.on_reply(boottime_now(), id, result);
        } else {
            agent.on_reply(boottime_now(), id, result, repeated);
        }
        if (leaving && agent.lease() == 0) {
            return stop();
        }
        if (admins && agent.has_left() && agent.lease() == 0) {
            admins->on_left();
        }
        arm_timer();
    }

    void on_signal(int signal) {
        if (signal == SIGHUP) {
            return reload();
        }
        const bool has_left = agent.has_left() && agent.lease() == 0;
        if (leaving || has_left || !is_system_stopping()) {
            return stop();
        }
        log(LOG_INFO, "The system is shutting down, deleting the records of this host.");
        leaving = true;
        agent.leave(boottime_now(), "the system shuts down");
        if (!leave_timer.arm_in(leave_timeout)) {
            stop();
        }
    }

    void stop() { sd_event_exit(loop.get(), EXIT_SUCCESS); }

    void arm_timer() {
        const BootTime deadline = std::min({agent.deadline(), orders.deadline(), reminder.deadline()});
        if (const auto armed = timer.arm_at(deadline.time_since_epoch()); !armed) {
            log(LOG_ERR, "Stopping: " + armed.error().what);
            sd_event_exit(loop.get(), EXIT_FAILURE);
        }
    }

    void on_frame(const wire::DaemonFrame& frame) {
        std::visit([this](const auto& message) { handle(message); }, frame);
    }
    void handle(const wire::Hello& hello) {
        agent.begin_list();
        agent.describe_policy(boottime_now(), std::string(hello.policy));
        if (is_state_known) {
            send_state();
        }
    }
    void handle(const wire::ClaimFrame& claim) {
        if (identifies_user(claim)) {
            agent.claim(boottime_now(), session_of(claim, config.identity, claim.enforced));
        }
    }
    void handle(const wire::ListedFrame& listed) {
        if (identifies_user(listed)) {
            agent.add_listed(session_of(listed, config.identity, false));
        }
    }
    /// Closes the connection and returns false if a session has no user ID in a fleet that identifies users by it.
    bool identifies_user(const wire::SessionFrame& frame) {
        if (config.identity == Identity::uid && !frame.uid) {
            link->close("a session has no user ID, which is required by identity = \"uid\"");
            return false;
        }
        return true;
    }
    void handle(const wire::ListEnd&) {
        agent.end_list(boottime_now());
        orders.daemon_connected();
    }
    void handle(const wire::ReleaseFrame& release) { agent.release(boottime_now(), release.session); }
    void handle(const wire::EndedFrame& ended) { orders.ended(boottime_now(), ended.order, ended.count); }

    /// Reads the files for TLS again. The earlier ones stay in use if the new ones are not valid.
    void reload() {
        const auto read = read_credentials(config);
        if (read && *read == credentials) {
            return;
        }
        auto loaded = load_credentials(config, reminder);
        if (!loaded) {
            log(LOG_WARNING,
                "Failed to load the files for TLS, continuing with the earlier ones: " + loaded.error().what);
            return;
        }
        credentials = *std::move(loaded);
        client->use(credentials);
        log(LOG_INFO, "Loaded new files for TLS.");
    }

    void on_changes(const std::vector<etcd::Client::Change>& changes) {
        for (const etcd::Client::Change& change : changes) {
            change.deleted ? orders.on_delete(boottime_now(), change.key) : orders.on_change(change.key, change.value);
        }
        arm_timer();
    }

    void on_watch_lost() {
        orders.on_watch_lost(boottime_now());
        arm_timer();
    }

    // --- Effects of the agent and of the orders ---------------------------------------------------------------------

    void call(std::uint64_t id, const Call& call) override { client->call(id, call); }

    void answer(std::uint64_t session, const Answer& answer) override {
        wire::AnswerFrame frame;
        frame.session = session;
        frame.outcome = answer.outcome;
        frame.count = answer.count;
        for (const Holder& holder : answer.holders) {
            if (frame.holder_count == wire::max_holders) {
                break;
            }
            if (is_valid_name(holder.record.host)) {
                const auto since = static_cast<std::uint64_t>(std::max<std::int64_t>(0, holder.record.since));
                frame.holders[frame.holder_count++] = {.host = holder.record.host, .since = since};
            }
        }
        link->send(frame);
    }

    void state_changed(bool is_up, const std::string& why) override {
        up = is_up;
        is_state_known = true;
        reason = escape_for_display(why, wire::max_reason);
        if (agent.has_left()) {
            log(LOG_NOTICE, "No slots are claimed in etcd any more: " + reason);
        } else if (up) {
            orders.join(boottime_now(), agent.lease());
            log(LOG_INFO, "Host " + config.host + " has joined the fleet " + config.fleet + ".");
        } else {
            log(LOG_WARNING, "No slots can be claimed in etcd, trying again: " + reason);
        }
        send_state();
        notify_status();
    }

    void over_limit(const Session& session) override {
        log(LOG_WARNING, "Recorded session " + std::to_string(session.key) + " of " +
                             escape_for_display(session.record.user) + " beyond the limit of " +
                             std::to_string(session.limit) + " sessions in the fleet.");
        link->send(wire::OverLimitFrame{session.key});
    }

    void repairing(std::size_t count) override {
        log(LOG_WARNING,
            "Writing the records of " + std::to_string(count) + " sessions again, which were missing in etcd.");
        link->send(wire::RepairingFrame{static_cast<std::uint32_t>(count)});
    }

    void watch(const KeyRange& keys, std::int64_t revision) override {
        client->watch(
            keys, revision, [this](const auto& changes) { on_changes(changes); }, [this] { on_watch_lost(); });
    }

    void end(std::uint64_t order, const EndOrder& what) override {
        log(LOG_INFO, "Order " + std::to_string(order) + " of " + escape_for_display(what.by) +
                          ": terminate all sessions of the " +
                          (what.kind == EndOrder::Kind::user ? "user " : "credential ") +
                          escape_for_display(what.subject) + ".");
        link->send(wire::EndFrame{
            .order = order, .what = what.kind, .subject = what.subject, .by = what.by, .reason = what.reason});
    }

    void send_state() { link->send(wire::StateFrame{.up = up, .reason = up ? std::string_view() : reason}); }

    void notify_status() {
        sd_notify(0, ("STATUS=" + (up ? "Host " + config.host + " is in the fleet " + config.fleet
                                      : "No slots can be claimed in etcd: " + reason))
                         .c_str());
    }
};

Fleetd::Fleetd(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Fleetd::Fleetd(Fleetd&&) noexcept = default;
Fleetd& Fleetd::operator=(Fleetd&&) noexcept = default;
Fleetd::~Fleetd() = default;

Result<Fleetd> Fleetd::make(const Options& options) {
    block_signals(signals); // before the client starts a thread
    prepare_log();
    auto config = read_config(options.config);
    if (!config) {
        return fail("the configuration is not valid:\n" + config.error());
    }
    CertificateReminder reminder(config->certificate.native());
    auto credentials = load_credentials(*config, reminder);
    if (!credentials) {
        return std::unexpected(credentials.error());
    }
    auto host = describe_host();
    if (!host) {
        return std::unexpected(host.error());
    }
    auto sockets = take_sockets(options);
    if (!sockets) {
        return std::unexpected(sockets.error());
    }
    auto loop = make_event_loop();
    if (!loop) {
        return std::unexpected(loop.error());
    }
    auto impl = std::make_unique<Impl>(Parts{.loop = *std::move(loop),
                                             .config = *std::move(config),
                                             .reminder = std::move(reminder),
                                             .credentials = *std::move(credentials),
                                             .host = *std::move(host)});
    if (auto started = impl->start(*std::move(sockets)); !started) {
        return std::unexpected(started.error());
    }
    return Fleetd(std::move(impl));
}

Result<> Fleetd::run() {
    sd_notify(0, "READY=1");
    impl_->notify_status();
    const int code = sd_event_loop(impl_->loop.get());
    sd_notify(0, "STOPPING=1");
    if (code < 0) {
        return fail_errno("run the event loop", -code);
    }
    return code == EXIT_SUCCESS ? Result<>() : fail("the event loop has stopped after an error");
}

} // namespace sesslimit::fleet
