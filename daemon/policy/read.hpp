// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/document.hpp"
#include "daemon/policy/match.hpp"
#include "daemon/policy/report.hpp"

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// The parts of the loader that read values. Each function reports errors and skips values that it cannot read. load()
/// decides whether the other values become a policy.
namespace sesslimit::policy {

/// Maximum length of a text in bytes, and of a list in values.
inline constexpr std::size_t max_text_length = 255;
inline constexpr std::size_t max_list_length = 1000;

/// Reports "idle_timeout is a list; write WANTED".
void wrong_type(const Entry& entry, std::string_view wanted, Report& report);

/// Returns true if the text is valid in a policy: not empty, not too long, and without control bytes. Reports the error
/// otherwise.
bool check_text(const Node& text, Report& report);

/// Returns the entry's value, or the values of its list, of any type. Returns an empty list if the list is too long.
/// Without `may_be_empty`, an empty list is an error.
std::vector<const Node*> values_of(const Entry& entry, bool may_be_empty, Report& report);

/// Reports a key that is misplaced, misspelled or unknown. `where` names the table: "[defaults]".
void unknown_key(const Entry& entry, std::string_view where, std::span<const std::string_view> known, Report& report);

/// Returns the boolean value of the entry, or nullopt after reporting another type.
std::optional<bool> read_truth(const Entry& entry, Report& report);

/// Returns the keys of settings, which are valid in [defaults] and [[rule]].
std::span<const std::string_view> setting_keys();
/// Returns the keys under `match`.
std::span<const std::string_view> match_keys();

/// Return the additional keys, beside setting_keys(), of one kind of table.
std::span<const std::string_view> own_keys_of_defaults();
std::span<const std::string_view> own_keys_of_rules();

/// Reads the entry if its key is one of setting_keys(). Returns true for such a key.
bool read_setting(const Entry& entry, SourceId from, Settings& settings, Report& report);

/// Reads the entry max_sessions_total of a rule.
std::optional<Setting<Count>> read_total(const Entry& entry, SourceId from, Report& report);

/// Reports problems that concern several settings of a table together, such as a warning that would never be shown.
/// `warn_before` is the entry of that name, or null if it is absent.
void check_settings(const Settings& settings, const Entry* warn_before, Report& report);

/// Reads the texts of a list or a single text, as in ignore_services. The list may be empty.
std::vector<std::string> read_texts_of(const Entry& entry, std::string_view wanted, Report& report);

/// A cache that looks up each name once. It records whether a name was not found.
class NameCache {
  public:
    explicit NameCache(Names& names) : names_(names) {}
    std::optional<uid_t> user(const std::string& name);
    std::optional<gid_t> group(const std::string& name);
    [[nodiscard]] bool missed() const { return missed_; }

  private:
    Names& names_;
    std::map<std::string, std::optional<uid_t>> users_;
    std::map<std::string, std::optional<gid_t>> groups_;
    bool missed_ = false;
};

/// Reads the `match` table of a rule.
Match read_match(const Node& table, NameCache& names, Report& report);

/// Parses a value of match.origin without its "!". Errors: a sentence that describes the valid forms.
std::expected<OriginPattern, std::string> read_origin(std::string_view text);

} // namespace sesslimit::policy
