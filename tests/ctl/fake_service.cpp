// SPDX-License-Identifier: MIT
#include "tests/ctl/fake_service.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

namespace sesslimit::test {
namespace {

ctl::Bus connected(const std::string& address) {
    sd_bus* opened = nullptr;
    bool done = sd_bus_new(&opened) >= 0;
    ctl::Bus bus(opened);
    done = done && sd_bus_set_address(bus.get(), address.c_str()) >= 0 && sd_bus_set_bus_client(bus.get(), 1) >= 0 &&
           sd_bus_start(bus.get()) >= 0;
    if (!done) {
        throw std::runtime_error("cannot connect to the test bus");
    }
    return bus;
}

int pass_calls_over(sd_bus_message* message, void*, sd_bus_error*) {
    return sd_bus_message_is_method_call(message, nullptr, nullptr);
}

} // namespace

FakeService::FakeService(const std::string& address, Behaviour how)
    : behaviour(std::move(how)), bus_(connected(address)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (behaviour.deaf) {
        sd_bus_add_filter(bus_.get(), nullptr, pass_calls_over, nullptr);
    }
    const sd_bus_vtable* interface = behaviour.garbled ? garbled_interface() : fake_interface();
    if (sd_bus_add_object_vtable(bus_.get(), nullptr, ctl::bus_path, ctl::manager, interface, this) < 0 ||
        sd_bus_request_name(bus_.get(), ctl::bus_name, 0) < 0) {
        throw std::runtime_error("cannot acquire the name on the test bus");
    }
    thread_ = std::thread([this] { serve(); });
}

FakeService::~FakeService() {
    stop_ = true;
    post([](sd_bus*) {});
    thread_.join();
}

void FakeService::serve() {
    while (!stop_) {
        run_posted();
        int worked = 0;
        while ((worked = sd_bus_process(bus_.get(), nullptr)) > 0) {
        }
        if (worked < 0) {
            return; // the test has stopped the bus
        }
        const int events = sd_bus_get_events(bus_.get());
        std::array<pollfd, 2> waiting{
            pollfd{.fd = sd_bus_get_fd(bus_.get()), .events = static_cast<short>(events), .revents = 0},
            pollfd{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
        poll(waiting.data(), waiting.size(), -1);
        std::uint64_t count = 0;
        [[maybe_unused]] const ssize_t drained = read(wake_.get(), &count, sizeof count);
    }
}

void FakeService::post(std::function<void(sd_bus*)> work) {
    {
        const std::lock_guard lock(mutex_);
        posted_.push_back(std::move(work));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
}

void FakeService::run_posted() {
    std::vector<std::function<void(sd_bus*)>> posted;
    {
        const std::lock_guard lock(mutex_);
        posted.swap(posted_);
    }
    for (const auto& work : posted) {
        work(bus_.get());
        sd_bus_flush(bus_.get());
    }
}

void FakeService::note(const std::string& call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
}

std::vector<std::string> FakeService::calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
}

void FakeService::emit(const std::string& signal, const std::string& event, const ctl::Session& session,
                       ctl::Usec left) {
    post([=](sd_bus* bus) {
        sd_bus_message* made = nullptr;
        if (sd_bus_message_new_signal(bus, &made, ctl::bus_path, ctl::manager, signal.c_str()) >= 0) {
            const ctl::Message message(made);
            append_session(message.get(), session, event, left);
            sd_bus_send(bus, message.get(), nullptr);
        }
    });
}

void FakeService::emit_policy(const std::string& state) {
    post([=](sd_bus* bus) {
        sd_bus_emit_signal(bus, ctl::bus_path, ctl::manager, "PolicyChanged", "s", state.c_str());
    });
}

void FakeService::drop_name() {
    post([](sd_bus* bus) { sd_bus_release_name(bus, ctl::bus_name); });
}

void FakeService::take_name() {
    post([](sd_bus* bus) { sd_bus_request_name(bus, ctl::bus_name, 0); });
}

} // namespace sesslimit::test
