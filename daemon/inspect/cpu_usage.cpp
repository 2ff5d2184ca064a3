// SPDX-License-Identifier: MIT
#include "daemon/inspect/cpu_usage.hpp"

#include "daemon/inspect/kernel_file.hpp"
#include "daemon/inspect/processes.hpp"

#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

namespace sesslimit::inspect {
namespace {

/// Maximum size of a control group's file cpu.stat in bytes. In Linux 6.18 the file has about 15 lines, each with a
/// word and a number.
constexpr std::size_t max_cpu_stat_length = 4096;

std::optional<Duration> microseconds(std::string_view digits) noexcept {
    std::uint64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc{} || stop != end || value > static_cast<std::uint64_t>(Duration::max().count())) {
        return std::nullopt;
    }
    return Duration(static_cast<Duration::rep>(value));
}

/// Returns the CPU time of the processes of a session without a scope.
Result<std::optional<Duration>> processor_time_of_processes(const core::Session& session, const SysPaths& roots) {
    const auto processes = processes_of(session, roots);
    if (!processes) {
        return std::unexpected(processes.error());
    }
    Duration sum{};
    for (const Process& process : *processes) {
        sum += process.processor_time;
    }
    return processes->empty() ? std::nullopt : std::optional(sum);
}

} // namespace

std::optional<Duration> processor_time_in(std::string_view cpu_stat) noexcept {
    constexpr std::string_view key = "usage_usec ";
    // A last line without a newline is ignored, because the text may be truncated within the number of this line.
    for (std::size_t end = 0; (end = cpu_stat.find('\n')) != cpu_stat.npos; cpu_stat.remove_prefix(end + 1)) {
        if (const std::string_view line = cpu_stat.substr(0, end); line.starts_with(key)) {
            return microseconds(line.substr(key.size()));
        }
    }
    return std::nullopt;
}

Result<std::optional<Duration>> processor_time_of(const core::Session& session, const SysPaths& roots) {
    const auto scope = scope_of(session, roots);
    if (!scope) {
        return processor_time_of_processes(session, roots);
    }
    auto text = read_kernel_file(*scope / "cpu.stat", max_cpu_stat_length);
    if (!text) {
        return std::unexpected(std::move(text.error()));
    }
    return processor_time_in(std::move(*text).value_or(""));
}

} // namespace sesslimit::inspect
