// SPDX-License-Identifier: MIT
#include "ctl/audit/pam.hpp"

#include "daemon/host_config/text.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <string>

namespace sesslimit::audit {
namespace {

using host_config::for_each_line;
using host_config::max_include_depth;
using host_config::max_included_files;
using host_config::trimmed;
using host_config::words_of;

constexpr std::string_view directory = "/etc/pam.d/";

bool is_word(std::string_view text, std::string_view word) {
    return std::ranges::equal(text, word, [](char one, char other) {
        return std::tolower(static_cast<unsigned char>(one)) == std::tolower(static_cast<unsigned char>(other));
    });
}

/// Removes the first token from a line of a PAM service file and returns the token. Text in brackets is one token, and
/// may contain "\]". The token does not include the brackets.
std::string next_token(std::string_view& text) {
    text = trimmed(text);
    std::string token;
    if (!text.starts_with('[')) {
        const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
        token = text.substr(0, end);
        text.remove_prefix(end);
        return token;
    }
    std::size_t at = 1;
    for (; at < text.size() && text[at] != ']'; ++at) {
        const bool escaped = text.substr(at).starts_with("\\]");
        at += std::size_t{escaped};
        token += text[at];
    }
    text.remove_prefix(std::min(at + 1, text.size()));
    return token;
}

/// Calls `then` for each line of a PAM service file, without its comment. Lines that end in a backslash are joined with
/// the next line.
void for_each_rule(const TextFile& file, const std::function<void(const Line&)>& then) {
    Line joined;
    for_each_line(file.path, file.text, [&](const Line& line) {
        std::string_view text = trimmed(std::string_view(line.text).substr(0, line.text.find('#')));
        const bool goes_on = text.ends_with('\\');
        text.remove_suffix(goes_on ? 1 : 0);
        joined.file = file.path;
        joined.number = joined.number == 0 ? line.number : joined.number;
        joined.text += std::string(joined.text.empty() ? "" : " ") + std::string(text);
        if (!goes_on) {
            then(joined);
            joined = {};
        }
    });
    if (!joined.text.empty()) {
        then(joined);
    }
}

/// A collector of the modules in the session stack of one PAM service. It reads the service file and the files that
/// this file includes.
class StackWalk {
  public:
    using Find = std::function<const TextFile*(const std::string& name)>;
    StackWalk(const Find& find, std::vector<PamModule>& modules) : find_(find), modules_(modules) {}

    void walk(const TextFile& file, int depth) {
        if (depth <= max_include_depth && ++files_ <= max_included_files) {
            for_each_rule(file, [&](const Line& line) { take(line, depth); });
        }
    }

  private:
    void take(const Line& line, int depth) {
        std::string_view rest = line.text;
        std::string type = next_token(rest);
        const std::string control = next_token(rest);
        if (is_word(type, "@include")) {
            follow(control, depth);
            return;
        }
        type.erase(0, type.starts_with('-') ? 1 : 0);
        const std::string module = next_token(rest);
        if (!is_word(type, "session") || module.empty()) {
            return;
        }
        if (is_word(control, "include")) {
            follow(module, depth);
        } else if (is_word(control, "substack")) {
            substacks_.push_back(++last_substack_);
            follow(module, depth);
            substacks_.pop_back();
        } else {
            modules_.push_back({module.substr(module.rfind('/') + 1), control, substacks_, line});
        }
    }

    void follow(const std::string& name, int depth) {
        if (const TextFile* file = find_(name)) {
            walk(*file, depth + 1);
        }
    }

    const Find& find_;
    std::vector<PamModule>& modules_;
    std::vector<unsigned> substacks_; // Open substacks, outermost first.
    unsigned last_substack_ = 0;
    int files_ = 0;
};

/// Returns true if a file in /etc/pam.d is a backup copy of a service file that a package manager or an editor has
/// made.
bool is_leftover(std::string_view path) {
    return path.ends_with('~') || path.ends_with(".bak") || path.find(".dpkg-") != std::string_view::npos ||
           path.find(".rpm") != std::string_view::npos || path.find(".pam-") != std::string_view::npos;
}

} // namespace

void read_pam(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching, Native& native) {
    std::map<std::string, std::optional<TextFile>> files; // Files by path; nullopt: missing.
    for (TextFile& file : matching(std::string(directory) + "*")) {
        const std::string path = file.path;
        files[path] = std::move(file);
    }
    std::vector<const TextFile*> services;
    for (const auto& [path, file] : files) {
        if (!is_leftover(path)) {
            services.push_back(&*file);
        }
    }
    const StackWalk::Find find = [&](const std::string& name) -> const TextFile* {
        const std::string path = name.starts_with('/') ? name : std::string(directory) + name;
        const auto [at, is_new] = files.try_emplace(path);
        if (is_new && path.find_first_of("*?[\\") == std::string::npos) {
            auto found = matching(path);
            at->second = found.empty() ? std::nullopt : std::optional(std::move(found.front()));
        }
        return at->second ? &*at->second : nullptr;
    };
    for (const TextFile* file : services) {
        PamStack stack{file->path.substr(directory.size()), {}};
        StackWalk(find, stack.modules).walk(*file, 0);
        for (const PamModule& module : stack.modules) {
            if (module.name == our_module && std::ranges::find(native.module, module.at) == native.module.end()) {
                native.module.push_back(module.at);
            }
        }
        native.pam_stacks.push_back(std::move(stack));
    }
}

Denial denial_by(std::string_view control) {
    if (is_word(control, "requisite")) {
        return Denial::ends;
    }
    if (is_word(control, "required")) {
        return Denial::fails;
    }
    if (is_word(control, "optional") || is_word(control, "sufficient")) {
        return Denial::ignored;
    }
    std::string of_others = "bad"; // libpam's own default
    std::string of_denial;
    for (const std::string& word : words_of(control)) {
        const std::size_t equals = std::min(word.find('='), word.size());
        const std::string_view value = std::string_view(word).substr(std::min(equals + 1, word.size()));
        if (word.substr(0, equals) == "default") {
            of_others = value;
        } else if (word.substr(0, equals) == "perm_denied") {
            of_denial = value;
        }
    }
    const std::string& action = of_denial.empty() ? of_others : of_denial;
    if (action == "die") {
        return Denial::ends;
    }
    return action == "bad" ? Denial::fails : Denial::ignored;
}

} // namespace sesslimit::audit
