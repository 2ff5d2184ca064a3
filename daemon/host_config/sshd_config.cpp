// SPDX-License-Identifier: MIT
#include "daemon/host_config/sshd_config.hpp"

#include "common/text.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace sesslimit::host_config {
namespace {

constexpr char main_file[] = "/etc/ssh/sshd_config";

using Matching = std::function<std::vector<TextFile>(const std::string& pattern)>;
using Then = std::function<void(const SshdSetting&)>;

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

/// Reader of the main file and its included files.
class Walk {
  public:
    Walk(const Matching& matching, const Then& then, MatchBlocks match_blocks)
        : matching_(matching), then_(then), match_blocks_(match_blocks) {}

    void include(const std::string& pattern, int depth, SshdScope including = SshdScope::global) {
        if (depth > max_include_depth) {
            return;
        }
        for (const TextFile& file : matching_(pattern)) {
            if (++files_ > max_included_files) {
                return;
            }
            // A Match block in an included file of sshd_config ends at the end of that file.
            SshdScope scope = including;
            for_each_line(file.path, file.text, [&](const Line& line) { take(line, depth, including, scope); });
        }
    }

  private:
    void take(const Line& line, int depth, SshdScope including, SshdScope& scope) {
        auto words = directive_of(line.text);
        if (words.size() < 2) {
            return;
        }
        if (words[0] == "match") {
            // "Match all" does not end the Match block that includes the file.
            const bool is_all = including != SshdScope::match_some && words.size() == 2 && lower(words[1]) == "all";
            scope = is_all ? SshdScope::match_all : SshdScope::match_some;
        } else if (scope == SshdScope::match_some && match_blocks_ == MatchBlocks::omitted) {
            return;
        } else if (words[0] == "include") {
            for (std::size_t at = 1; at < words.size(); ++at) {
                include(words[at].starts_with('/') ? words[at] : "/etc/ssh/" + words[at], depth + 1, scope);
            }
        } else {
            std::string keyword = std::move(words.front());
            words.erase(words.begin());
            then_({std::move(keyword), std::move(words), line, scope});
        }
    }

    const Matching& matching_;
    const Then& then_;
    MatchBlocks match_blocks_;
    int files_ = 0;
};

} // namespace

void for_each_sshd_setting(const Matching& matching, const Then& then, MatchBlocks match_blocks) {
    Walk(matching, then, match_blocks).include(main_file, 0);
}

std::optional<Line> sshd_without_pam(const Matching& matching) {
    bool is_unclear = true; // as long as the main file is missing
    const Matching read = [&](const std::string& pattern) {
        std::vector<TextFile> files = matching(pattern);
        const bool all_read = std::ranges::all_of(files, [](const TextFile& file) { return file.error.empty(); });
        is_unclear = pattern == main_file ? files.empty() || !all_read : is_unclear || !all_read;
        return files;
    };
    std::optional<SshdSetting> first;
    for_each_sshd_setting(read, [&first](const SshdSetting& setting) {
        if (setting.keyword == "usepam" && !first) {
            first = setting;
        }
    });
    if (is_unclear || (first && lower(first->arguments.front()) == "yes")) {
        return std::nullopt;
    }
    return first ? first->at : Line{main_file, 0, {}};
}

std::string sshd_without_pam_text(const Line& at) {
    const std::string where =
        at.number == 0 ? "" : " (" + escape_for_display(at.file) + ":" + std::to_string(at.number) + ")";
    return "sshd does not use PAM" + where +
           ". Therefore sesslimit neither counts nor limits ssh logins. Set 'UsePAM yes' in " + main_file +
           " and reload sshd.";
}

} // namespace sesslimit::host_config
