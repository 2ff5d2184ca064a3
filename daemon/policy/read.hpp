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

/// The parts of the loader that look at values. Each says in the report what is wrong, and leaves out what it cannot
/// read; whether a policy is made of the rest is for load() to decide.
namespace sesslimit::policy {

inline constexpr std::size_t max_text_length = 255;
inline constexpr std::size_t max_list_length = 1000;

/// "idle_timeout is a list; write WANTED"
void wrong_type(const Entry& entry, std::string_view wanted, Report& report);

/// Whether a text may stand in a policy: not empty, not too long, without control bytes. Says what is wrong with it.
bool check_text(const Node& text, Report& report);

/// The entry's value, or each of the values of its list, which is not empty, whatever their types; nothing where it is
/// too long or, unless `may_be_empty`, empty.
std::vector<const Node*> values_of(const Entry& entry, bool may_be_empty, Report& report);

/// A key that stands in the wrong place, is misspelt, or is none. `where` names the table: "[defaults]".
void unknown_key(const Entry& entry, std::string_view where, std::span<const std::string_view> known, Report& report);

/// The truth of the entry's value; nothing where it has none, and said why.
std::optional<bool> read_truth(const Entry& entry, Report& report);

/// The keys that set something, in [defaults] and [[rule]].
std::span<const std::string_view> setting_keys();
/// The keys under `match`.
std::span<const std::string_view> match_keys();

/// Keys beside those of setting_keys() that one of the tables has.
std::span<const std::string_view> own_keys_of_defaults();
std::span<const std::string_view> own_keys_of_rules();

/// Reads the entry where it is one of setting_keys(), and says whether it is.
bool read_setting(const Entry& entry, SourceId from, Settings& settings, Report& report);

/// The entry max_sessions_total of a rule.
std::optional<Setting<Count>> read_total(const Entry& entry, SourceId from, Report& report);

/// What can only be said of a table's settings together, such as a warning that would never be shown.
/// `warn_before` is the entry of that name, null where there is none.
void check_settings(const Settings& settings, const Entry* warn_before, Report& report);

/// Texts of a list or a single one, as of ignore_services. May be empty.
std::vector<std::string> read_texts_of(const Entry& entry, std::string_view wanted, Report& report);

/// Asks for each name once, and knows whether one was not found.
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

/// The `match` table of a rule.
Match read_match(const Node& table, NameCache& names, Report& report);

/// A value of match.origin without its "!", or a sentence about what would be right.
std::expected<OriginPattern, std::string> read_origin(std::string_view text);

} // namespace sesslimit::policy
