// SPDX-License-Identifier: MIT
#include "ctl/audit/scanner.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>
#include <utility>

namespace sesslimit::audit {
namespace {

using host_config::for_each_line;
using host_config::Line;
using host_config::TextFile;
using host_config::trimmed;
using host_config::words_of;

using Matching = std::function<std::vector<TextFile>(const std::string& pattern)>;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool are_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

/// Returns the part of a text that the pattern [\w$]+ matches at its beginning.
std::string word_at(std::string_view text) {
    const auto is_word = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
    };
    return {text.begin(), std::ranges::find_if_not(text, is_word)};
}

// ^\s*\*\s+(hard|-)\s+maxlogins\s+(\d+)\s*$, and for the presence of a line the same without the value.
void scan_login_limits(const TextFile& file, std::vector<Scanned>& found, std::vector<Line>* present) {
    for_each_line(file.path, file.text, [&](const Line& line) {
        const auto words = words_of(line.text);
        if (words.size() < 3 || words[0] != "*" || (words[1] != "hard" && words[1] != "-") ||
            !words[2].starts_with("maxlogins")) {
            return;
        }
        if (present != nullptr) {
            present->push_back(line);
        }
        if (words.size() == 4 && words[2] == "maxlogins" && are_digits(words[3])) {
            found.push_back({words[3], line});
        }
    });
}

// ^\s*\[Login\].*(?:\n\s*[^[\s].*)*\n^\s*StopIdleSessionSec[ \t]*=[ \t]*(.+?)[ \t]*(?:$|#), which finds the last value
// of each section.
void scan_stop_idle(const TextFile& file, std::vector<Scanned>& found) {
    bool in_section = false;
    std::optional<Scanned> last;
    const auto end_section = [&] {
        if (last) {
            found.push_back(*std::exchange(last, std::nullopt));
        }
    };
    for_each_line(file.path, file.text, [&](const Line& line) {
        const std::string_view text = trimmed(line.text);
        if (text.starts_with('[')) {
            end_section();
            in_section = text.starts_with("[Login]");
        }
        constexpr std::string_view key = "StopIdleSessionSec";
        if (!in_section || !text.starts_with(key)) {
            return;
        }
        const std::string_view rest = trimmed(text.substr(key.size()));
        const std::string_view value = rest.starts_with('=') ? trimmed(rest.substr(1)) : "";
        if (!value.empty()) {
            last = {std::string(trimmed(value.substr(0, value.find('#', 1)))), line};
        }
    });
    end_section();
}

// ^\s*(?:typeset|declare)\s+-xr\s+TMOUT=([\w$]+).*$
void scan_declared(const TextFile& file, std::vector<Scanned>& found) {
    for_each_line(file.path, file.text, [&](const Line& line) {
        const auto words = words_of(line.text);
        if (words.size() >= 3 && (words[0] == "typeset" || words[0] == "declare") && words[1] == "-xr" &&
            words[2].starts_with("TMOUT=")) {
            if (std::string value = word_at(std::string_view(words[2]).substr(6)); !value.empty()) {
                found.push_back({std::move(value), line});
            }
        }
    });
}

// ^\s*TMOUT=([\w$]+)\s*readonly TMOUT\s*export TMOUT$, in three lines
void scan_assigned(const TextFile& file, std::vector<Scanned>& found) {
    std::optional<Scanned> begun;
    bool fixed = false;
    for_each_line(file.path, file.text, [&](const Line& line) {
        const std::string_view text = trimmed(line.text);
        if (text.empty()) {
            return;
        }
        if (begun && fixed && text == "export TMOUT" && line.text.ends_with(text)) {
            found.push_back(*begun);
        }
        if (begun && !fixed && text == "readonly TMOUT") {
            fixed = true;
            return;
        }
        begun.reset();
        fixed = false;
        if (text.starts_with("TMOUT=")) {
            std::string value = word_at(text.substr(6));
            if (!value.empty() && value.size() + 6 == text.size()) {
                begun = {std::move(value), line};
            }
        }
    });
}

/// A keyword of sshd_config(5) and the notation of its value that the pattern finds.
struct SshdPattern {
    std::string_view keyword; ///< in lower case
    bool digits;              ///< True for (\d+)\s*(?:#.*)?$, false for (.+?)[ \t]*(?:$|#).
};

// ^\s*(?i)KEYWORD\s+VALUE
void scan_sshd(const TextFile& file, const SshdPattern& pattern, std::vector<Scanned>& found) {
    for_each_line(file.path, file.text, [&](const Line& line) {
        const std::string_view text = trimmed(line.text);
        const bool is_keyword =
            std::ranges::equal(text.substr(0, pattern.keyword.size()), pattern.keyword, {},
                               [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
        const std::string_view rest = is_keyword ? text.substr(pattern.keyword.size()) : "";
        if (!rest.starts_with(' ') && !rest.starts_with('\t')) {
            return;
        }
        const std::string_view value = trimmed(rest);
        const std::string_view before = trimmed(value.substr(0, value.find('#', pattern.digits ? 0 : 1)));
        if (pattern.digits ? are_digits(before) : !before.empty()) {
            found.push_back({std::string(before), line});
        }
    });
}

void scan_sshd(const Matching& matching, const SshdPattern& main, const SshdPattern& drop_ins, ScannedFiles& found) {
    for (const TextFile& file : matching("/etc/ssh/sshd_config")) {
        scan_sshd(file, main, found.main);
    }
    for (const TextFile& file : matching("/etc/ssh/sshd_config.d/*.conf")) {
        scan_sshd(file, drop_ins, found.drop_ins);
    }
}

/// Removes all values but the first of each file.
void keep_first_of_each_file(std::vector<Scanned>& found) {
    const auto same = std::ranges::unique(found, {}, [](const Scanned& one) { return one.at.file; });
    found.erase(same.begin(), same.end());
}

} // namespace

Scan scan(const Matching& matching) {
    Scan found;
    for (const TextFile& file : matching("/etc/security/limits.conf")) {
        scan_login_limits(file, found.login_limits.main, nullptr);
    }
    for (const TextFile& file : matching("/etc/security/limits.d/*.conf")) {
        scan_login_limits(file, found.login_limits.drop_ins, &found.present_login_limits);
    }
    for (const TextFile& file : matching("/etc/systemd/logind.conf")) {
        scan_stop_idle(file, found.stop_idle.main);
    }
    for (const TextFile& file : matching("/etc/systemd/logind.conf.d/*.conf")) {
        scan_stop_idle(file, found.stop_idle.drop_ins);
    }
    for (const char* pattern : {"/etc/profile", "/etc/profile.d/*.sh"}) {
        for (const TextFile& file : matching(pattern)) {
            scan_declared(file, found.declared_tmout);
        }
    }
    for (const char* pattern : {"/etc/bash.bashrc", "/etc/profile", "/etc/profile.d/*.sh"}) {
        for (const TextFile& file : matching(pattern)) {
            scan_assigned(file, found.assigned_tmout);
        }
    }
    constexpr SshdPattern interval{"clientaliveinterval", true};
    constexpr SshdPattern count{"clientalivecountmax", false};
    scan_sshd(matching, interval, interval, found.alive_interval);
    keep_first_of_each_file(found.alive_interval.drop_ins);
    scan_sshd(matching, count, count, found.alive_count);
    scan_sshd(matching, {"maxsessions", true}, {"maxsessions", false}, found.ssh_sessions);
    return found;
}

} // namespace sesslimit::audit
