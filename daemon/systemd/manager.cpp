// SPDX-License-Identifier: MIT
#include "daemon/systemd/manager.hpp"

#include "daemon/bus/connection.hpp"

#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace sesslimit::systemd {
namespace {

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* object = "/org/freedesktop/systemd1";
constexpr const char* interface = "org.freedesktop.systemd1.Manager";
constexpr const char* job_removed = "type='signal',sender='org.freedesktop.systemd1',path='/org/freedesktop/systemd1',"
                                    "interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";

/// Appends the properties of a new scope to the call StartTransientUnit, as an array of type a(sv).
int append_properties(sd_bus_message* m, const NewScope& scope, const std::vector<pid_t>& processes) {
    int code = sd_bus_message_open_container(m, 'a', "(sv)");
    const auto then = [&code](auto next) { code = code < 0 ? code : next(); };
    const auto text = [&](const char* name, const std::string& value) {
        then([&] { return sd_bus_message_append(m, "(sv)", name, "s", value.c_str()); });
    };
    text("Description", scope.description);
    text("Slice", scope.slice);
    // With the mode inactive-or-failed, systemd unloads the scope after it has ended, even if it has failed.
    text("CollectMode", "inactive-or-failed");
    // SendSIGHUP and TasksMax have the values that logind sets for the scopes of sessions. When the scope is stopped,
    // SIGHUP is sent in addition to SIGTERM, because an interactive shell reacts only to SIGHUP. The number of tasks is
    // not limited, because the slice limits the number of a user's processes.
    then([&] { return sd_bus_message_append(m, "(sv)", "SendSIGHUP", "b", 1); });
    then([&] { return sd_bus_message_append(m, "(sv)", "TasksMax", "t", UINT64_MAX); });
    then([&] { return sd_bus_message_append(m, "(sv)", "After", "as", 1, "systemd-user-sessions.service"); });
    // The empty list in DelegateControllers delegates the scope without cgroup controllers. Delegation itself is
    // required, because systemd attaches further processes only to delegated units.
    then([&] { return sd_bus_message_append(m, "(sv)", "DelegateControllers", "as", 0); });
    then([&] { return sd_bus_message_open_container(m, 'r', "sv"); });
    then([&] { return sd_bus_message_append(m, "s", "PIDs"); });
    then([&] { return sd_bus_message_open_container(m, 'v', "au"); });
    then([&] { return sd_bus_message_open_container(m, 'a', "u"); });
    for (const pid_t pid : processes) {
        then([&] { return sd_bus_message_append(m, "u", static_cast<std::uint32_t>(pid)); });
    }
    for (int level = 0; level < 4; ++level) { // closes the four open containers
        then([&] { return sd_bus_message_close_container(m); });
    }
    return code;
}

Error error_of(const char* doing, sd_bus_message* answer) {
    Error error = bus::error_of(doing, answer);
    if (sd_bus_error_has_name(sd_bus_message_get_error(answer), "org.freedesktop.systemd1.UnitExists") > 0) {
        error.code = EEXIST;
    }
    return error;
}

} // namespace

struct Manager::Impl {
    /// Scope that is being created.
    struct Start {
        Done done;
        /// Subscription to the end of the systemd job that starts the scope.
        bus::Slot job;
    };

    /// Processes that are being moved to a scope. Each process is moved by a separate call, because a common call would
    /// fail if one process has exited.
    struct Attachment {
        std::size_t missing = 0; ///< number of missing replies
        std::optional<Error> error;
        Done done;
    };

    struct StartCall {
        Impl* owner;
        std::string scope;
    };

    struct AttachCall {
        Impl* owner;
        std::string scope;
    };

    struct KillCall {
        Impl* owner;
    };

    std::function<void(Error)> failed;
    bus::Connection bus;
    std::map<std::string, Start> starts; ///< scopes by name
    std::map<std::string, Attachment> attachments;

    Impl(sd_event* loop, std::function<void(Error)> tell)
        : failed(std::move(tell)), bus(loop, "sesslimitd-systemd", SD_EVENT_PRIORITY_NORMAL,
                                       {.connected = [this](sd_bus*) { return forget_answers(); },
                                        .failed = [this](Error error) { failed(std::move(error)); }}) {}

    /// Reports pending calls of an earlier connection to the bus as failed, because their replies can no longer arrive.
    int forget_answers() {
        const auto lost_starts = std::exchange(starts, {});
        const auto lost_attachments = std::exchange(attachments, {});
        const Error lost{"connection to the system bus lost", ECONNRESET};
        for (const auto& [name, start] : lost_starts) {
            start.done(std::unexpected(lost));
        }
        for (const auto& [name, attachment] : lost_attachments) {
            attachment.done(std::unexpected(lost));
        }
        return 0;
    }

    void started(const std::string& scope, const Result<>& result) {
        if (auto start = starts.extract(scope)) {
            start.mapped().done(result);
        }
    }

    void attached(const std::string& scope, std::optional<Error> error) {
        const auto at = attachments.find(scope);
        if (at == attachments.end()) {
            return;
        }
        Attachment& attachment = at->second;
        if (error && error->code != ESRCH && !attachment.error) {
            attachment.error = std::move(error);
        }
        if (--attachment.missing > 0) {
            return;
        }
        const Attachment whole = std::move(attachment);
        attachments.erase(at);
        whole.done(whole.error ? Result<>(std::unexpected(*whole.error)) : Result<>());
    }

    static int on_start_answer(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& call = *static_cast<StartCall*>(data);
        if (sd_bus_message_is_method_error(m, nullptr) > 0) {
            call.owner->started(call.scope, std::unexpected(error_of("start a scope", m)));
        }
        // A successful reply only means that systemd has queued a job. The scope exists when this job has ended.
        return 0;
    }

    void job_was_removed(sd_bus_message* m) {
        std::uint32_t id = 0;
        const char *job = nullptr, *unit = nullptr, *result = nullptr;
        const int code = sd_bus_message_read(m, "uoss", &id, &job, &unit, &result);
        if (bus.check("read the D-Bus signal JobRemoved from systemd", code) >= 0) {
            const bool done = std::string_view(result) == "done";
            started(unit, done ? Result<>() : fail("failed to start a scope: " + std::string(result)));
        }
    }

    static int on_kill_answer(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& call = *static_cast<KillCall*>(data);
        if (sd_bus_message_is_method_error(m, nullptr) > 0 &&
            sd_bus_message_is_method_error(m, "org.freedesktop.systemd1.NoSuchUnit") == 0) {
            call.owner->failed(error_of("signal kept programs", m));
        }
        return 0;
    }

    static int on_attach_answer(sd_bus_message* m, void* data, sd_bus_error*) {
        const auto& call = *static_cast<AttachCall*>(data);
        const bool is_error = sd_bus_message_is_method_error(m, nullptr) > 0;
        call.owner->attached(call.scope, is_error ? std::optional(error_of("move a process", m)) : std::nullopt);
        return 0;
    }

    int ask_to_start(const NewScope& scope, const std::vector<pid_t>& processes) {
        // The subscription to the signal JobRemoved is sent before the call that starts the scope. The bus preserves
        // this order, so that the end of the job that starts the scope cannot be missed. systemd reports the end to the
        // client that requested the job (bus_foreach_bus() in systemd's src/core/dbus.c).
        //
        // The subscription exists only while a scope is being created, because a host has many jobs. The match rule
        // cannot select the unit of the job, because sd-bus cannot match an argument that follows an argument of
        // another type than string.
        int code =
            bus.match(job_removed, [this](sd_bus_message* m) { job_was_removed(m); }, &starts.at(scope.name).job);
        sd_bus_message* raw = nullptr;
        code = code < 0
                   ? code
                   : sd_bus_message_new_method_call(bus.get(), &raw, service, object, interface, "StartTransientUnit");
        const bus::Message m(raw);
        code = code < 0 ? code : sd_bus_message_append(raw, "ss", scope.name.c_str(), "fail");
        code = code < 0 ? code : append_properties(raw, scope, processes);
        code = code < 0 ? code : sd_bus_message_append(raw, "a(sa(sv))", 0);
        return code < 0 ? code : bus.call(raw, &Impl::on_start_answer, StartCall{this, scope.name});
    }

    int ask_to_kill(const std::string& scope, int signal) {
        sd_bus_message* raw = nullptr;
        int code = sd_bus_message_new_method_call(bus.get(), &raw, service, object, interface, "KillUnit");
        const bus::Message m(raw);
        code = code < 0 ? code : sd_bus_message_append(raw, "ssi", scope.c_str(), "all", signal);
        return code < 0 ? code : bus.call(raw, &Impl::on_kill_answer, KillCall{this});
    }

    int ask_to_attach(const std::string& scope, pid_t process) {
        sd_bus_message* raw = nullptr;
        int code = sd_bus_message_new_method_call(bus.get(), &raw, service, object, interface, "AttachProcessesToUnit");
        const bus::Message m(raw);
        code = code < 0 ? code
                        : sd_bus_message_append(raw, "ssau", scope.c_str(), "", 1, static_cast<std::uint32_t>(process));
        return code < 0 ? code : bus.call(raw, &Impl::on_attach_answer, AttachCall{this, scope});
    }
};

Manager::Manager(sd_event* loop, std::function<void(Error)> failed)
    : impl_(std::make_unique<Impl>(loop, std::move(failed))) {}

Manager::~Manager() = default;

void Manager::connect() {
    impl_->bus.open();
}

void Manager::start(const NewScope& scope, const std::vector<pid_t>& processes, Done done) {
    impl_->starts.insert_or_assign(scope.name, Impl::Start{std::move(done), nullptr});
    if (const int code = impl_->ask_to_start(scope, processes); code < 0) {
        impl_->started(scope.name, fail_errno("request a scope from systemd", -code));
    }
}

void Manager::attach(const std::string& scope, const std::vector<pid_t>& processes, Done done) {
    impl_->attachments.insert_or_assign(
        scope, Impl::Attachment{.missing = processes.size(), .error = {}, .done = std::move(done)});
    for (const pid_t process : processes) {
        if (const int code = impl_->ask_to_attach(scope, process); code < 0) {
            impl_->attached(scope, fail_errno("ask systemd to move a process to another scope", -code).error());
        }
    }
}

void Manager::kill(const std::string& scope, int signal) {
    if (const int code = impl_->ask_to_kill(scope, signal); code < 0) {
        impl_->failed(fail_errno("ask systemd to signal the processes in a scope", -code).error());
    }
}

void Manager::give_up(const std::string& scope) {
    impl_->starts.erase(scope);
    impl_->attachments.erase(scope);
}

} // namespace sesslimit::systemd
