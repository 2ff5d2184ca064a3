// SPDX-License-Identifier: MIT
#include "ctl/audit/sshd.hpp"

#include "common/duration.hpp"
#include "ctl/audit/text.hpp"

#include <algorithm>
#include <cctype>

namespace sesslimit::audit {
namespace {

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

/// Returns the keyword and the arguments of a line of sshd_config(5), or an empty list for a comment. One "=" may
/// separate the keyword from its arguments.
std::vector<std::string> directive_of(const std::string& text) {
    std::string line(trimmed(text));
    const std::size_t end = line.find_first_of(" \t=");
    if (end != std::string::npos) {
        const std::size_t equals = line.find_first_not_of(" \t", end);
        if (equals != std::string::npos && line[equals] == '=') {
            line[equals] = ' ';
        }
    }
    auto words = words_of(line);
    for (std::size_t at = 0; at < words.size(); ++at) {
        if (words[at].starts_with('#')) {
            words.resize(at);
            break;
        }
        words[at] = unquoted(words[at]);
    }
    if (!words.empty()) {
        words[0] = lower(words[0]);
    }
    return words;
}

class Sshd {
  public:
    Sshd(const std::function<std::vector<TextFile>(const std::string&)>& matching, Native& native)
        : matching_(matching), native_(native) {}

    void include(const std::string& pattern, int depth) {
        if (depth > max_include_depth) {
            return;
        }
        for (const TextFile& file : matching_(pattern)) {
            if (++files_ > max_included_files) {
                return;
            }
            bool for_all = true; // A Match block in an included file of sshd_config ends at the end of that file.
            for_each_line(file.path, file.text, [&](const Line& line) { take(line, depth, for_all); });
        }
    }

  private:
    void take(const Line& line, int depth, bool& for_all) {
        const auto words = directive_of(line.text);
        if (words.size() < 2) {
            return;
        }
        if (words[0] == "match") {
            for_all = words.size() == 2 && lower(words[1]) == "all";
        } else if (!for_all) {
            return;
        } else if (words[0] == "include") {
            for (std::size_t at = 1; at < words.size(); ++at) {
                include(words[at].starts_with('/') ? words[at] : "/etc/ssh/" + words[at], depth + 1);
            }
        } else if (words[0] == "clientaliveinterval") {
            const auto span = parse_span(words[1]);
            if (span && !native_.alive_interval) {
                native_.alive_interval = {*span, line};
            }
        } else if (words[0] == "clientalivecountmax") {
            note(number_in(words[1]), line, native_.alive_count);
        } else if (words[0] == "maxsessions") {
            note(number_in(words[1]), line, native_.ssh_sessions);
        }
    }

    static void note(std::optional<std::uint64_t> value, const Line& line, std::optional<Found<std::uint64_t>>& into) {
        if (value && !into) {
            into = {*value, line};
        }
    }

    const std::function<std::vector<TextFile>(const std::string&)>& matching_;
    Native& native_;
    int files_ = 0;
};

} // namespace

void read_sshd(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native) {
    Sshd(matching, native).include("/etc/ssh/sshd_config", 0);
}

} // namespace sesslimit::audit
