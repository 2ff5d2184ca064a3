// SPDX-License-Identifier: MIT
#include "common/clock.hpp"
#include "common/unique_fd.hpp"
#include "ctl/client/bus_client.hpp"
#include "tests/ctl/world.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <thread>

using namespace sesslimit;
using namespace sesslimit::test;

namespace {

constexpr char the_bus[] = "org.freedesktop.DBus";

ctl::Usec now() {
    return static_cast<ctl::Usec>(wall_now().time_since_epoch().count());
}

ctl::DaemonProcess process_on(const std::string& address) {
    (void)setenv("DBUS_SYSTEM_BUS_ADDRESS", address.c_str(), 1);
    return ctl::BusClient({}).process();
}

/// A bus for one client. For the daemon's name it returns the data that a bus with SELinux returns.
class LabellingBus {
  public:
    LabellingBus(std::string directory, std::string label)
        : directory_(std::move(directory)), label_(std::move(label)) {
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        const std::string path = directory_ + "/labelling";
        path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        (void)unlink(path.c_str());
        if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
            listen(listener_.get(), 1) < 0) {
            throw std::runtime_error("no socket");
        }
        thread_ = std::thread([this] { serve(); });
    }
    LabellingBus(const LabellingBus&) = delete;
    LabellingBus& operator=(const LabellingBus&) = delete;
    ~LabellingBus() { thread_.join(); }

    [[nodiscard]] std::string address() const { return "unix:path=" + directory_ + "/labelling"; }

  private:
    void serve() {
        sd_bus* made = nullptr;
        (void)sd_bus_new(&made);
        const ctl::Bus bus(made);
        const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        const sd_id128_t id{.bytes = {1}};
        if (sd_bus_set_fd(made, fd, fd) < 0 || sd_bus_set_server(made, 1, id) < 0 ||
            sd_bus_add_filter(made, nullptr, answer, this) < 0 || sd_bus_start(made) < 0) {
            return;
        }
        int r = 0;
        while ((r = sd_bus_process(made, nullptr)) >= 0) {
            if (r == 0 && sd_bus_wait(made, UINT64_MAX) < 0) {
                return;
            }
        }
    }

    static int answer(sd_bus_message* call, void* self, sd_bus_error*) {
        const std::string& label = static_cast<LabellingBus*>(self)->label_;
        if (sd_bus_message_is_method_call(call, the_bus, nullptr) <= 0) {
            return 0;
        }
        sd_bus_message* made = nullptr;
        int r = sd_bus_message_new_method_return(call, &made);
        const ctl::Message reply(made);
        r = r < 0 ? r : sd_bus_message_set_sender(made, the_bus);
        if (sd_bus_message_is_method_call(call, the_bus, "GetConnectionSELinuxSecurityContext") > 0) {
            r = r < 0 ? r : sd_bus_message_append_array(made, 'y', label.data(), label.size());
        } else if (sd_bus_message_is_method_call(call, the_bus, "GetConnectionUnixProcessID") > 0) {
            r = r < 0 ? r : sd_bus_message_append(made, "u", static_cast<std::uint32_t>(getpid()));
        } else {
            r = r < 0 ? r : sd_bus_message_append(made, "s", ":1.1"); // Hello, GetNameOwner
        }
        r = r < 0 ? r : sd_bus_send(nullptr, made, nullptr);
        return r < 0 ? r : 1;
    }

    std::string directory_;
    std::string label_;
    UniqueFd listener_{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::thread thread_;
};

/// The fake service runs in this process.
SESSLIMIT_TEST(daemon_start_time_is_that_of_its_process) {
    const World world;
    const ctl::DaemonProcess process = process_on(world.bus.address());
    EXPECT(process.started > now() - minute && process.started <= now() + second, std::to_string(process.started));
    EXPECT_TEXT(process.label, "");
}

SESSLIMIT_TEST(daemon_start_time_known_without_reply) {
    auto behaviour = a_host();
    behaviour.deaf = true;
    const World world(behaviour);
    EXPECT(process_on(world.bus.address()).started > 0, "known from the bus");
}

SESSLIMIT_TEST(process_unknown_without_daemon) {
    const PrivateBus bus;
    const ctl::DaemonProcess process = process_on(bus.address());
    EXPECT(process.started == 0 && process.label.empty(), process.label);
    EXPECT(process_on("unix:path=/nonexistent/bus").started == 0, "no bus");
}

SESSLIMIT_TEST(case_B01_selinux_label_reported_by_bus) {
    const PrivateBus somewhere; // for its directory
    for (const std::string& label :
         {std::string("system_u:system_r:initrc_t:s0"), std::string("system_u:system_r:sesslimitd_t:s0\0", 34)}) {
        const LabellingBus bus(somewhere.directory(), label);
        const ctl::DaemonProcess process = process_on(bus.address());
        EXPECT_TEXT(process.label, label.c_str());
        EXPECT(process.started > 0, "the start time is known");
    }
}

SESSLIMIT_TEST(preview_and_status_of_policy_are_read) {
    auto behaviour = a_host();
    behaviour.status.policy_problems = {"a.toml:1: error: x", "a.toml:2: error: y"};
    behaviour.status.policy_digest = "abc";
    behaviour.status.policy_directory = "/etc/x";
    World world(behaviour);
    (void)setenv("DBUS_SYSTEM_BUS_ADDRESS", world.bus.address().c_str(), 1);
    ctl::BusClient client({});
    const auto preview = client.preview("90-set.toml", "version = 1", "12");
    EXPECT(preview && preview->sessions.size() == 3 && preview->sessions[1].user == "bob", "sessions");
    EXPECT_TEXT(preview->denial, "denied like 12");
    EXPECT(world.was_asked("PreviewPolicy 90-set.toml version = 1"), "arguments");
    const auto status = client.status();
    EXPECT(status && status->policy_problems == behaviour.status.policy_problems, "problems");
    EXPECT_TEXT(status->policy_digest + status->policy_directory, "abc/etc/x");
}

} // namespace
