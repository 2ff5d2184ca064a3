// SPDX-License-Identifier: MIT
#include "ctl/audit/native.hpp"

#include "common/duration.hpp"
#include "ctl/audit/pam.hpp"
#include "ctl/audit/sshd.hpp"
#include "daemon/host_config/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace sesslimit::audit {
namespace {

using host_config::for_each_line;
using host_config::number_in;
using host_config::trimmed;
using host_config::unquoted;
using host_config::words_of;

/// A reader that returns the files that match a pattern, and records those that could not be read.
class Reader {
  public:
    Reader(Files& files, Native& native) : files_(files), native_(native) {}

    std::vector<TextFile> operator()(const std::string& pattern) {
        std::vector<TextFile> found = files_.matching(pattern);
        for (const TextFile& file : found) {
            const bool is_new = std::ranges::find(native_.unread, file.path, &TextFile::path) == native_.unread.end();
            if (!file.error.empty() && is_new) {
                native_.unread.push_back(file);
            }
        }
        return found;
    }

  private:
    Files& files_;
    Native& native_;
};

/// Returns the value of the last line KEY=value in the text of os-release(5), without its quotation marks.
std::string assigned(const std::string& text, std::string_view key) {
    std::string value;
    for_each_line("", text, [&](const Line& line) {
        const std::string_view view = trimmed(line.text);
        if (view.starts_with(key) && view.substr(key.size()).starts_with('=')) {
            value = unquoted(view.substr(key.size() + 1));
        }
    });
    return value;
}

void read_os(Reader& read, Native& native) {
    for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
        for (const TextFile& file : read(path)) {
            native.os = assigned(file.text, "ID");
            native.version = assigned(file.text, "VERSION_ID");
            const auto like = words_of(assigned(file.text, "ID_LIKE"));
            if (native.os != "fedora" && std::ranges::find(like, "rhel") != like.end()) {
                native.os = "rhel";
            }
            if (!native.os.empty()) {
                return;
            }
        }
    }
}

void read_login_limits(Reader& read, Native& native) {
    for (const char* pattern : {"/etc/security/limits.conf", "/etc/security/limits.d/*.conf"}) {
        for (const TextFile& file : read(pattern)) {
            for_each_line(file.path, file.text, [&](const Line& line) {
                const auto words = words_of(std::string_view(line.text).substr(0, line.text.find('#')));
                if (words.size() == 2 && words[1] == "-" && words[0] != "*" && !words[0].starts_with('%')) {
                    native.login_limits.push_back({words[0], words[1], "", std::nullopt, line});
                }
                if (words.size() == 4 && (words[2] == "maxlogins" || words[2] == "maxsyslogins")) {
                    native.login_limits.push_back({words[0], words[1], words[2], number_in(words[3]), line});
                }
            });
        }
    }
}

/// Calls `found` with the value and the line of each KEY=value in a section of a file with sections, such as "[Login]".
template <class Found>
void for_each_value(const TextFile& file, std::string_view section, std::string_view key, Found found) {
    bool in_section = false;
    for_each_line(file.path, file.text, [&](const Line& line) {
        const std::string_view text = trimmed(line.text);
        if (text.starts_with('[')) {
            in_section = text == section;
        }
        const std::size_t equals = text.find('=');
        if (in_section && equals != std::string_view::npos && trimmed(text.substr(0, equals)) == key) {
            found(trimmed(text.substr(equals + 1)), line);
        }
    });
}

/// Reads the last StopIdleSessionSec= in the section [Login] of a file in the format of logind.conf(5). An empty value
/// resets the earlier values (systemd.syntax(7)).
void read_stop_idle(const TextFile& file, Native& native) {
    for_each_value(file, "[Login]", "StopIdleSessionSec", [&native](std::string_view value, const Line& line) {
        std::optional<Found<Duration>>& into = native.stop_idle;
        native.stop_idle_lines.push_back(line);
        const auto span = parse_span(value);
        if (value.empty() || value == "infinity" || (span && *span == Duration{})) {
            into.reset();
        } else if (span) {
            into = {*span, line};
        }
    });
}

/// Reads the first main file logind.conf that exists, and then the drop-ins in the order of their names. A drop-in
/// hides drop-ins of the same name in directories of lower precedence (systemd's
/// config_parse_standard_file_with_dropins(), logind.conf(5)).
void read_logind(Reader& read, Native& native) {
    constexpr std::array directories = {"/etc", "/run", "/usr/local/lib", "/usr/lib"};
    bool has_main = false;
    std::map<std::string, TextFile> drop_ins;
    for (const std::string directory : directories) {
        for (const TextFile& file : read(directory + "/systemd/logind.conf")) {
            if (!std::exchange(has_main, true)) {
                read_stop_idle(file, native);
            }
        }
        for (TextFile& file : read(directory + "/systemd/logind.conf.d/*.conf")) {
            std::string name = file.path.substr(file.path.rfind('/') + 1);
            drop_ins.try_emplace(std::move(name), std::move(file));
        }
    }
    for (const auto& [name, file] : drop_ins) {
        read_stop_idle(file, native);
    }
}

bool contains(Reader& read, std::initializer_list<const char*> patterns, std::string_view text, bool otherwise) {
    for (const char* pattern : patterns) {
        for (const TextFile& file : read(pattern)) {
            return file.text.find(text) != std::string::npos;
        }
    }
    return otherwise;
}

/// Reads properties of pam_limits and logind that depend on how they were built, from the texts in their files.
void read_builds(Reader& read, Native& native) {
    const bool logind = contains(read,
                                 {"/usr/lib/*/security/pam_limits.so", "/usr/lib64/security/pam_limits.so",
                                  "/usr/lib/security/pam_limits.so", "/lib/*/security/pam_limits.so"},
                                 "sd_get_sessions", false);
    native.login_count = logind ? LoginCount::logind : LoginCount::utmp;
    native.logind_sees_ssh_idle =
        contains(read, {"/usr/lib/systemd/systemd-logind", "/lib/systemd/systemd-logind"}, "/run/utmp", true);
}

/// Reads IdleTimeout= of cockpit.conf(5), which is a number of minutes. The value 0 disables the timeout, and so does a
/// missing value.
void read_cockpit(Reader& read, Native& native) {
    for (const TextFile& file : read("/etc/cockpit/cockpit.conf")) {
        for_each_value(file, "[Session]", "IdleTimeout", [&native](std::string_view value, const Line&) {
            native.cockpit_has_idle_timeout = number_in(value).value_or(0) > 0;
        });
    }
}

/// A search for the variable TMOUT in a start-up file of the shell. It does not interpret the file as a shell does, but
/// finds the words that compliance scanners check.
class ShellWalk {
  public:
    explicit ShellWalk(Native& native)
        : found_(native.shell_timeouts), lines_(native.shell_lines), first_(native.shell_timeouts.size()) {}

    void line(const Line& line) {
        fixes_ = false;
        std::string spaced;
        for (const char c : without_shell_comment(line.text)) {
            spaced += c == ';' || c == '&' || c == '|' ? std::string(" ; ") : std::string(1, c);
        }
        for (const std::string& word : words_of(spaced)) {
            take(word, line);
        }
    }

    /// Must be called after the last line of the file. If any line makes TMOUT readonly, marks all values of TMOUT in
    /// the file as readonly.
    void done() {
        for (std::size_t at = first_; at < found_.size(); ++at) {
            found_[at].fixed = fixed_;
        }
    }

  private:
    void take(std::string_view word, const Line& line) {
        if (word == ";" || word == "declare" || word == "typeset") {
            fixes_ = false;
        } else if (word == "readonly") {
            fixes_ = true;
        } else if (word.starts_with('-')) {
            fixes_ = fixes_ || word.find('r') != std::string_view::npos;
        } else if (word == "TMOUT" || word.starts_with("TMOUT=")) {
            fixed_ = fixed_ || fixes_;
            if (lines_.empty() || lines_.back() != line) {
                lines_.push_back(line);
            }
            if (word.size() > 5) {
                found_.push_back({number_in(unquoted(word.substr(6))), false, line});
            }
        }
    }

    std::vector<ShellTimeout>& found_;
    std::vector<Line>& lines_;
    std::size_t first_;
    bool fixes_ = false;
    bool fixed_ = false;
};

void read_shell_timeouts(Reader& read, Native& native) {
    for (const char* pattern :
         {"/etc/profile", "/etc/profile.d/*.sh", "/etc/profile.d/sh.local", "/etc/bash.bashrc", "/etc/bashrc"}) {
        for (const TextFile& file : read(pattern)) {
            ShellWalk walk(native);
            for_each_line(file.path, file.text, [&](const Line& line) { walk.line(line); });
            walk.done();
        }
    }
}

} // namespace

std::string_view without_shell_comment(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '#' && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '\t')) {
            return text.substr(0, at);
        }
    }
    return text;
}

std::vector<LoginLimit> particular_login_limits(const std::vector<LoginLimit>& limits) {
    std::vector<LoginLimit> found;
    for (const LoginLimit& limit : limits) {
        if (limit.domain == "*" || limit.domain == "root" || (limit.item != "maxlogins" && !limit.item.empty())) {
            continue;
        }
        if (!limit.item.empty()) {
            std::erase_if(found, [&limit](const LoginLimit& earlier) {
                return earlier.domain == limit.domain && !earlier.item.empty();
            });
        }
        found.push_back(limit);
    }
    return found;
}

const SshdValue* applying(const std::vector<SshdValue>& values) {
    for (const SshdScope scope : {SshdScope::match_all, SshdScope::global}) {
        const auto first =
            std::ranges::find_if(values, [scope](const SshdValue& one) { return one.scope == scope && one.value; });
        if (first != values.end()) {
            return &*first;
        }
    }
    return nullptr;
}

Native read_native(Files& files) {
    Native native;
    Reader read(files, native);
    read_os(read, native);
    read_login_limits(read, native);
    read_logind(read, native);
    read_cockpit(read, native);
    read_shell_timeouts(read, native);
    read_sshd([&read](const std::string& pattern) { return read(pattern); }, native);
    read_pam([&read](const std::string& pattern) { return read(pattern); }, native);
    read_builds(read, native);
    native.scan = scan([&read](const std::string& pattern) { return read(pattern); });
    return native;
}

} // namespace sesslimit::audit
