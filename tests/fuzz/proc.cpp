// SPDX-License-Identifier: MIT
// Texts of /proc and of a cgroup that users can influence: command names and cgroup names.
#include "common/process.hpp"
#include "daemon/inspect/cpu_usage.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

namespace sesslimit::fuzz {
namespace {

/// Checks that the fields after the name are parsed correctly for any name of a process.
void name_hides_nothing(std::string_view command) {
    const std::string head = "77 (" + std::string(command) + ") ";
    const auto stat = parse_process_stat(head + "S 1 77 77 34816 77 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 9 9\n");
    must(stat && stat->start == 123456 && stat->terminal != 0, "a name does not hide fields");
    must(!parse_process_stat(head), "a name is not a field");
}

/// Checks that a text is in a session scope if and only if one of its lines alone is.
void lines_stand_alone(std::string_view text) {
    bool any = false;
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t size = std::min(rest.find('\n'), rest.size());
        const bool is = in_session_scope(rest.substr(0, size));
        must(!is || (rest.starts_with("0::") && rest.substr(0, size).find("session-") != rest.npos), "a scope's name");
        any = any || is;
        rest.remove_prefix(std::min(size + 1, rest.size()));
    }
    must(in_session_scope(text) == any, "lines are independent");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    const std::string_view text = text_of(bytes);
    if (const auto stat = parse_process_stat(text)) {
        must(text.front() >= '0' && text.front() <= '9' && text.find(" (") != text.npos, "the start is valid");
        const auto longer = parse_process_stat(std::string(text) + " 0\n");
        must(longer && longer->start == stat->start && longer->terminal == stat->terminal, "later fields are ignored");
    }
    name_hides_nothing(text.substr(0, 64));
    lines_stand_alone(text);
    const auto time = inspect::processor_time_in(text);
    must(!time || *time >= Duration{}, "CPU time does not run backwards");
    must(inspect::processor_time_in("usage_usec 17\n" + std::string(text)) == Duration(17), "the first line counts");
}

} // namespace sesslimit::fuzz
