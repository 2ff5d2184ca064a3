// SPDX-License-Identifier: MIT
#include "ctl/client/bus_watch.hpp"

#include "common/clock.hpp"
#include "ctl/client/bus_client.hpp"
#include "ctl/client/bus_read.hpp"
#include "ctl/client/failure.hpp"

#include <csignal>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace sesslimit::ctl {
namespace {

constexpr char the_bus[] = "org.freedesktop.DBus";
constexpr char the_bus_path[] = "/org/freedesktop/DBus";
constexpr char owner_rule[] = "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                              "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.sesslimit1'";

std::string_view sender_of(sd_bus_message* message) {
    const char* sender = sd_bus_message_get_sender(message);
    return sender == nullptr ? "" : sender;
}

} // namespace

Answer<> BusWatch::run() {
    if (auto subscribed = subscribe(); !subscribed) {
        return subscribed;
    }
    if (auto found = find_owner(); !found) {
        return found;
    }
    int r = prepare_loop();
    r = r < 0 ? r : sd_event_loop(loop_.get());
    sd_bus_detach_event(bus_);
    if (r < 0) {
        return std::unexpected(failure_of_errno(r));
    }
    return {};
}

Answer<> BusWatch::subscribe() {
    sd_bus_slot* slot = nullptr;
    int r = sd_bus_match_signal(bus_, &slot, bus_name, bus_path, manager, nullptr, on_signal, this);
    slots_.emplace_back(slot);
    if (r >= 0) {
        r = sd_bus_add_match(bus_, &slot, owner_rule, on_owner, this);
        slots_.emplace_back(slot);
    }
    if (r >= 0) {
        r = sd_bus_match_signal(bus_, &slot, nullptr, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                "Disconnected", on_disconnected, this);
        slots_.emplace_back(slot);
    }
    return r < 0 ? Answer<>(std::unexpected(failure_of_errno(r))) : Answer<>();
}

Answer<> BusWatch::find_owner() {
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message* made = nullptr;
    const int r =
        sd_bus_call_method(bus_, the_bus, the_bus_path, the_bus, "GetNameOwner", &error, &made, "s", bus_name);
    const Message reply(made);
    const char* owner = nullptr;
    Answer<> answer;
    if (r < 0) {
        answer = std::unexpected(error.name == nullptr ? failure_of_errno(r) : failure_of(error.name, ""));
    } else if (sd_bus_message_read(reply.get(), "s", &owner) > 0) {
        owner_ = owner;
    }
    sd_bus_error_free(&error);
    return answer;
}

int BusWatch::prepare_loop() {
    sd_event* made = nullptr;
    int r = sd_event_new(&made);
    loop_.reset(made);
    sigset_t ends{};
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, nullptr); // required by sd_event_add_signal(3)
    for (const int signal : {SIGINT, SIGTERM}) {
        r = r < 0 ? r
                  // Without a handler, sd_event_add_signal(3) makes the event loop exit with 0 on SIGINT or SIGTERM.
                  : sd_event_add_signal(loop_.get(), nullptr, signal, nullptr, nullptr);
    }
    r = r < 0 ? r : sd_bus_attach_event(bus_, loop_.get(), SD_EVENT_PRIORITY_NORMAL);
    if (r >= 0) {
        watch_reader();
    }
    return r;
}

/// Watches whether the reader of standard output exits, so that `watch | head -1` ends when head exits and not at the
/// next event. A plain file has no reader and cannot be watched.
void BusWatch::watch_reader() {
    sd_event_source* source = nullptr;
    if (sd_event_add_io(loop_.get(), &source, STDOUT_FILENO, 0, on_reader_gone, this) >= 0) {
        reader_.reset(source);
    }
}

int BusWatch::on_signal(sd_bus_message* message, void* self, sd_bus_error*) {
    const auto& watch = *static_cast<BusWatch*>(self);
    if (watch.owner_.empty() || sender_of(message) != watch.owner_) {
        return 0;
    }
    if (auto event = read_event(message)) {
        event->at = static_cast<Usec>(wall_now().time_since_epoch().count());
        watch.watcher_.event(*event);
    }
    return 0;
}

int BusWatch::on_owner(sd_bus_message* message, void* self, sd_bus_error*) {
    auto& watch = *static_cast<BusWatch*>(self);
    const char* name = nullptr;
    const char* before = nullptr;
    const char* after = nullptr;
    if (sender_of(message) != the_bus || sd_bus_message_read(message, "sss", &name, &before, &after) < 0 ||
        std::string_view(name) != bus_name) {
        return 0;
    }
    const bool was_here = !watch.owner_.empty();
    watch.owner_ = after;
    if (was_here != !watch.owner_.empty()) {
        watch.watcher_.daemon(!was_here);
    }
    return 0;
}

int BusWatch::on_disconnected(sd_bus_message*, void* self, sd_bus_error*) {
    return sd_event_exit(static_cast<BusWatch*>(self)->loop_.get(), -ECONNRESET);
}

int BusWatch::on_reader_gone(sd_event_source*, int, unsigned, void* self) {
    return sd_event_exit(static_cast<BusWatch*>(self)->loop_.get(), 0);
}

} // namespace sesslimit::ctl
