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
#include <vector>

/// Functions that read the values of a parsed policy file. They report invalid values as errors and skip them. If an
/// error was reported, load() does not return a policy.
namespace sesslimit::policy {

/// Maximum length in bytes of a string in a policy file, except for message templates.
inline constexpr std::size_t max_text_length = 255;
/// Maximum number of values of an array in a policy file.
inline constexpr std::size_t max_list_length = 1000;

/// Reports a value of the wrong type as an error, such as "idle_timeout: expected WANTED, got an array". WANTED is
/// replaced by `wanted`, a description of the valid values.
void wrong_type(const Entry& entry, std::string_view wanted, Report& report);

/// Returns true if a string in a policy file is valid. Reports an error and returns false if it is empty, longer than
/// max_text_length, or contains control characters.
bool check_text(const Node& text, Report& report);

/// Returns the values of an array in a policy file, or the value itself if it is not an array. The values may have any
/// type. Reports an error for an array with more than max_list_length values, and then returns an empty list. Reports
/// an error for an empty array unless `may_be_empty` is true.
std::vector<const Node*> values_of(const Entry& entry, bool may_be_empty, Report& report);

/// Reports an error for a key that is misplaced, misspelled or unknown. `where` is the name of the table that contains
/// the key, such as "[defaults]". `known` are the valid keys of this table.
void unknown_key(const Entry& entry, std::string_view where, std::span<const std::string_view> known, Report& report);

/// Returns the value of a key in a policy file if the value is a boolean. Otherwise reports an error and returns
/// nullopt.
std::optional<bool> read_truth(const Entry& entry, Report& report);

/// Returns the keys of settings, such as max_sessions, which are valid in [defaults] and [[rule]] tables.
std::span<const std::string_view> setting_keys();
/// Returns values of a key of [defaults] or [[rule]] in TOML, in which strings need no quotation marks. They are all
/// values of an enumeration, and examples of other values. Returns an empty list for messages and unknown keys.
std::vector<std::string> example_values(std::string_view key);
/// Returns the keys under `match`.
std::span<const std::string_view> match_keys();

/// Return the keys that are valid only in [defaults] tables, or only in [[rule]] tables. The keys of settings, such as
/// max_sessions, are not included, because they are valid in both kinds of tables.
std::span<const std::string_view> own_keys_of_defaults();
std::span<const std::string_view> own_keys_of_rules();

/// Reads a key of a policy file into `settings` if it is the key of a setting, such as max_sessions. Returns true for
/// such a key, even if its value is invalid and has been reported as an error. Returns false for any other key.
bool read_setting(const Entry& entry, SourceId from, Settings& settings, Report& report);

/// Reads the value of max_sessions_total, which is the shared limit of a rule. Reports an error and returns nullopt if
/// the value is invalid.
std::optional<Setting<Count>> read_total(const Entry& entry, SourceId from, Report& report);

/// Checks the settings of a [defaults] or [[rule]] table against each other. Reports a warning for each time in
/// warn_before that is not shorter than the longest time limit of the table, because the user would never be warned at
/// that time. `warn_before` is the entry of the table with this key, or null if the table does not have one.
void check_settings(const Settings& settings, const Entry* warn_before, Report& report);

/// Reads an array of strings or a single string, for example the value of ignore_services. The array may be empty.
/// Invalid strings are reported as errors and skipped.
std::vector<std::string> read_texts_of(const Entry& entry, std::string_view wanted, Report& report);

/// A cache of the IDs of users and groups, so that each name is looked up only once. missed() returns true if at least
/// one name was not found.
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

/// Reads the `match` table of a rule, whose keys select the logins to which the rule applies.
Match read_match(const Node& table, NameCache& names, Report& report);

/// Parses a value of match.origin, such as "10.0.0.0/8", "local" or "unix". The caller must remove a leading "!" from
/// it. Errors: a message that describes the valid forms.
std::expected<OriginPattern, std::string> read_origin(std::string_view text);

} // namespace sesslimit::policy
