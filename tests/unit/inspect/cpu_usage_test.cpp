// SPDX-License-Identifier: MIT
#include "daemon/inspect/cpu_usage.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/descriptors.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <fstream>

namespace {

using namespace sesslimit;
using namespace sesslimit::test;
using namespace std::chrono_literals;

/// A simulated host of plain files.
struct Host {
    TemporaryDirectory directory;
    inspect::SysPaths roots{.cgroup = directory.path / "cgroup"};

    static void write(const std::filesystem::path& path, const std::string& text) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    void used(const std::string& unit, const std::string& text) const {
        write(roots.cgroup / "user.slice/user-1001.slice" / unit / "cpu.stat", text);
    }
};

core::Session session(const std::string& scope = "session-3.scope") {
    core::Session session;
    session.login.uid = 1001;
    session.scope = scope;
    return session;
}

SESSLIMIT_TEST(cpu_stat_parsed_strictly) {
    struct Case {
        std::string text;
        std::optional<Duration> used;
    };
    const Case cases[] = {
        {"usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n", 1'234'567us},
        {"nr_periods 0\nusage_usec 5\n", 5us},
        {"usage_usec 0\n", 0us},
        {"usage_usec 9223372036854775807\n", Duration::max()},
        {"usage_usec 9223372036854775808\n", std::nullopt},
        {"usage_usec 99999999999999999999999\n", std::nullopt},
        {"", std::nullopt},
        {"\n", std::nullopt},
        {"usage_usec 12", std::nullopt}, // truncated
        {"usage_usec \n", std::nullopt},
        {"usage_usec\n", std::nullopt},
        {"usage_usec -1\n", std::nullopt},
        {"usage_usec +1\n", std::nullopt},
        {"usage_usec  1\n", std::nullopt},
        {"usage_usec 1 \n", std::nullopt},
        {"usage_usec 1s\n", std::nullopt},
        {"usage_usec 0x10\n", std::nullopt},
        {" usage_usec 1\n", std::nullopt},
        {"core_sched.usage_usec 1\n", std::nullopt},
        {"user_usec 7\nsystem_usec 8\n", std::nullopt},
        {std::string("usage_usec 1\0\n", 14), std::nullopt},
    };
    for (const Case& one : cases) {
        EXPECT(inspect::processor_time_in(one.text) == one.used, one.text);
    }
}

SESSLIMIT_TEST(processor_time_read_from_own_scope) {
    const Host host;
    host.used("session-3.scope", "usage_usec 250000\nuser_usec 1\n");
    host.used("session-4.scope", "usage_usec 99\n");
    Host::write(host.roots.cgroup / "user.slice/user-1002.slice/session-3.scope/cpu.stat", "usage_usec 98\n");
    EXPECT(inspect::processor_time_of(session(), host.roots).value() == Duration(250ms), "own scope");
}

SESSLIMIT_TEST(descriptor_exhaustion_reported_as_error) {
    const Host host;
    host.used("session-3.scope", "usage_usec 250000\n");
    const auto used = with_descriptors(0, [&] { return inspect::processor_time_of(session(), host.roots); });
    EXPECT(!used && used.error().code == EMFILE, "an error, not zero");
}

SESSLIMIT_TEST(no_processor_time_without_valid_scope) {
    const Host host;
    host.used("session-4.scope", "usage_usec 99\n");
    host.used(".hidden", "usage_usec 99\n");
    Host::write(host.roots.cgroup / "user.slice/user-1001.slice/cpu.stat", "usage_usec 99\n");
    Host::write(host.roots.cgroup / "user.slice/cpu.stat", "usage_usec 99\n");
    for (const char* scope :
         {"", ".", "..", "../session-4.scope", "session-4.scope/../session-4.scope", ".hidden", "session-5.scope"}) {
        EXPECT(!inspect::processor_time_of(session(scope), host.roots).value().has_value(), scope);
    }
}

SESSLIMIT_TEST(malformed_cpu_stat_ignored) {
    const Host host;
    std::filesystem::create_directories(host.roots.cgroup / "user.slice/user-1001.slice/session-5.scope/cpu.stat");
    host.used("session-6.scope", std::string(65536, '\n') + "usage_usec 1\n");
    host.used("session-7.scope", std::string(65536, 'x'));
    host.used("session-8.scope", "");
    for (const char* scope : {"session-5.scope", "session-6.scope", "session-7.scope", "session-8.scope"}) {
        EXPECT(!inspect::processor_time_of(session(scope), host.roots).value().has_value(), scope);
    }
}

} // namespace
