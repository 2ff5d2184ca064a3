// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/host_config/files.hpp"
#include "daemon/host_config/text.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sesslimit::host_config {

/// The connections to which a setting of sshd applies.
enum class SshdScope : std::uint8_t {
    global,    ///< All of them. The setting is outside of Match blocks.
    match_all, ///< All of them. The setting is in a block "Match all", and sshd prefers it to a global one if Match
               ///< blocks may contain its keyword.
    match_some ///< Those that another Match block selects.
};

/// A setting of sshd.
struct SshdSetting {
    std::string keyword;                ///< Keyword in lower case.
    std::vector<std::string> arguments; ///< At least one.
    Line at;
    SshdScope scope = SshdScope::global;
};

/// Whether settings in Match blocks are read (sshd_config(5)).
enum class MatchBlocks : bool { omitted, included };

/// Calls `then` for the settings in /etc/ssh/sshd_config and its included files, in the order in which sshd reads them.
/// The first value of a keyword applies. Follows includes 16 files deep, as sshd does. Reads at most 256 files.
/// `matching` returns the files that match a pattern, as Files::matching() does.
void for_each_sshd_setting(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching,
                           const std::function<void(const SshdSetting&)>& then,
                           MatchBlocks match_blocks = MatchBlocks::omitted);

/// If sshd does not use PAM, returns the line that disables it (UsePAM), or the file /etc/ssh/sshd_config without a
/// line number if no line enables it. The default of OpenSSH is "no". Returns nothing if sshd uses PAM, if the host has
/// no configuration file of sshd, or if a file cannot be read.
std::optional<Line> sshd_without_pam(const std::function<std::vector<TextFile>(const std::string& pattern)>& matching);

/// Describes this problem and its solution. If `at` has a line number, the text contains the location.
std::string sshd_without_pam_text(const Line& at);

} // namespace sesslimit::host_config
