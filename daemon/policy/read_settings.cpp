// SPDX-License-Identifier: MIT
#include "common/duration.hpp"
#include "common/text.hpp"
#include "daemon/policy/read.hpp"
#include "daemon/policy/template.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace sesslimit::policy {
namespace {

constexpr std::int64_t max_listed_sessions = 1'000'000;
constexpr std::size_t max_warnings = 20;
constexpr Duration shortest = std::chrono::seconds(1);

constexpr std::string_view wanted_count = "a number from 0 to 1000000, or \"unlimited\"";
constexpr std::string_view wanted_fleet_count = "a number from 1 to 1000, or \"unlimited\"";
constexpr std::string_view wanted_span = "a time span such as \"15min\" or \"1d 12h\", or \"unlimited\"";
constexpr std::string_view wanted_idle = "a time span such as \"1min\", or \"0s\"";
constexpr std::string_view wanted_programs = "names of programs such as [\"tmux\", \"screen\"]";
/// The words of enumerations, in the order of the enumerators.
constexpr std::array<std::string_view, 4> activity_words = {"input", "network", "output", "cpu"};
constexpr std::array<std::string_view, 2> on_idle_words = {"end", "lock"};
constexpr std::array<std::string_view, 3> at_limit_words = {"deny", "end-idlest", "end-oldest"};
constexpr std::array<std::string_view, 2> mode_words = {"enforce", "observe"};
constexpr std::array<std::string_view, 2> on_fleet_error_words = {"deny", "local"};

constexpr std::string_view wanted_warnings = "time spans such as [\"5min\", \"1min\"]";

/// Returns true if the author of the policy probably means "unlimited". The text is then a word such as "infinity" or
/// "never", or a misspelling of "unlimited".
bool means_unlimited(std::string_view text) {
    constexpr std::array<std::string_view, 5> words = {"infinity", "infinite", "never", "none", "no"};
    return std::find(words.begin(), words.end(), text) != words.end() ||
           nearest(text, std::array<std::string_view, 1>{"unlimited"}) == "unlimited";
}

void say_no_span(const Node& value, const SpanError& error, std::string_view wanted, Report& report) {
    const SourceLocation at = report.inside(value, error.at);
    const std::string_view rest = std::string_view(value.text).substr(std::min(error.at, value.text.size()));
    switch (error.kind) {
    case SpanError::Kind::empty:
        report.error(value.at, "empty time span; write " + std::string(wanted));
        return;
    case SpanError::Kind::not_a_number:
        report.error(at, "expected a number; write " + std::string(wanted));
        return;
    case SpanError::Kind::unknown_unit:
        if (rest.front() == '.' || rest.front() == ',') {
            report.error(at,
                         "fractional numbers are not allowed in a time span; write \"90min\" for an hour and a half");
            return;
        }
        report.error(at, "unknown time unit " + in_quotes(rest.substr(0, rest.find_first_of(" \t0123456789"))) +
                             "; units are us, ms, s, min, h, d, w, M and y");
        return;
    case SpanError::Kind::too_long:
        report.error(at, "time span is longer than 100 years; write " +
                             std::string(wanted == wanted_span ? "\"unlimited\" for no limit" : wanted));
        return;
    }
}

/// Returns the time span of a value in the policy. Reports an error and returns nullopt if the value is not a time
/// span, or is shorter than one second.
std::optional<Duration> read_span(const Entry& entry, const Node& value, std::string_view wanted, Report& report) {
    if (value.kind == Node::Kind::integer) {
        report.error(value.at, entry.key + " is a number without a unit; write " + std::string(wanted));
        return std::nullopt;
    }
    if (value.kind != Node::Kind::text) {
        wrong_type({entry.key, entry.key_at, value}, wanted, report);
        return std::nullopt;
    }
    const auto span = parse_span(value.text);
    if (!span) {
        if (means_unlimited(value.text)) {
            report.error(value.at, "invalid time span " + in_quotes(value.text) + "; write " + std::string(wanted));
        } else {
            say_no_span(value, span.error(), wanted, report);
        }
        return std::nullopt;
    }
    if (*span < shortest) {
        report.error(value.at, entry.key + " is less than a second; write " + std::string(wanted));
        return std::nullopt;
    }
    return *span;
}

// The functions read_value() read the value of a setting of one type. They report an error and return false if it is
// not valid.

bool read_value(const Entry& entry, Count& count, Report& report) {
    const Node& value = entry.value;
    const bool is_of_fleet = entry.key == "max_sessions_fleet";
    const std::string_view wanted = is_of_fleet ? wanted_fleet_count : wanted_count;
    const std::int64_t least = is_of_fleet ? 1 : 0;
    const std::int64_t most = is_of_fleet ? max_fleet_limit : max_listed_sessions;
    if (value.kind == Node::Kind::text && value.text == "unlimited") {
        count = unlimited_count;
        return true;
    }
    if (value.kind != Node::Kind::integer) {
        wrong_type(entry, wanted, report);
        return false;
    }
    if (value.number < least || value.number > most) {
        report.error(value.at, entry.key + " is out of range; write " + std::string(wanted));
        return false;
    }
    count = static_cast<Count>(value.number);
    return true;
}

bool read_value(const Entry& entry, Duration& limit, Report& report) {
    if (entry.value.kind == Node::Kind::text && entry.value.text == "unlimited") {
        limit = unlimited_duration;
        return true;
    }
    const auto span = read_span(entry, entry.value, wanted_span, report);
    limit = span.value_or(Duration{});
    return span.has_value();
}

bool read_value(const Entry& entry, DisplaceIdle& idle, Report& report) {
    if (entry.value.kind == Node::Kind::text && parse_span(entry.value.text) == Duration{}) {
        return true; // 0 s, the only value that is shorter than a second
    }
    const auto span = read_span(entry, entry.value, wanted_idle, report);
    idle.time = span.value_or(Duration{});
    return span.has_value();
}

bool read_value(const Entry& entry, std::vector<Duration>& spans, Report& report) {
    const auto values = values_of(entry, true, report);
    if (values.size() > max_warnings) {
        report.error(entry.value.at, entry.key + " has more than 20 values");
        return false;
    }
    for (const Node* value : values) {
        if (const auto span = read_span(entry, *value, wanted_warnings, report)) {
            spans.push_back(*span);
        }
    }
    std::sort(spans.begin(), spans.end(), std::greater<>());
    spans.erase(std::unique(spans.begin(), spans.end()), spans.end());
    return true;
}

/// Returns the index in `words` of the string that is the value of a setting. Reports an error and returns nullopt if
/// the value is not a string, or if `words` does not contain it. Callers convert the index to the value of an
/// enumeration that has the same order.
std::optional<std::size_t> read_word(const Entry& entry, std::span<const std::string_view> words, Report& report) {
    if (entry.value.kind != Node::Kind::text) {
        wrong_type(entry, "the string " + listed(words, " or "), report);
        return std::nullopt;
    }
    const auto found = std::find(words.begin(), words.end(), entry.value.text);
    if (found == words.end()) {
        report.error(entry.value.at, "invalid value " + in_quotes(entry.value.text) + " for " + entry.key +
                                         suggestion(entry.value.text, words));
        return std::nullopt;
    }
    return static_cast<std::size_t>(found - words.begin());
}

bool read_value(const Entry& entry, Activity& activity, Report& report) {
    std::array<bool, activity_words.size()> has{};
    bool good = true;
    for (const Node* value : values_of(entry, true, report)) {
        const auto word = read_word({entry.key, entry.key_at, *value}, activity_words, report);
        good = good && word;
        if (word) {
            has[*word] = true;
        }
    }
    const auto [input, network, output, processor] = has;
    if (good && !input) {
        report.error(entry.value.at,
                     "input always counts as activity; \"input\" must be among the values of " + entry.key);
    }
    activity = {.network = network, .output = output, .processor = processor};
    return true;
}

template <class Enumeration>
bool read_word(const Entry& entry, std::span<const std::string_view> words, Enumeration& value, Report& report) {
    const auto word = read_word(entry, words, report);
    value = static_cast<Enumeration>(word.value_or(0));
    return word.has_value();
}

bool read_value(const Entry& entry, OnIdle& on_idle, Report& report) {
    return read_word(entry, on_idle_words, on_idle, report);
}

bool read_value(const Entry& entry, AtLimit& at_limit, Report& report) {
    return read_word(entry, at_limit_words, at_limit, report);
}

bool read_value(const Entry& entry, Mode& mode, Report& report) {
    return read_word(entry, mode_words, mode, report);
}

bool read_value(const Entry& entry, OnFleetError& on_error, Report& report) {
    return read_word(entry, on_fleet_error_words, on_error, report);
}

bool read_program(const Entry& entry, const Node& value, std::vector<std::string>& programs, Report& report) {
    if (value.kind != Node::Kind::text) {
        wrong_type({entry.key, entry.key_at, value}, wanted_programs, report);
        return false;
    }
    const std::string& name = value.text;
    if (name.empty() || name.size() > Keep::max_name_length) {
        report.error(value.at, in_quotes(name) + " is not a program name of 1 to 15 bytes; the kernel shortens longer "
                                                 "names to their first 15 bytes");
        return false;
    }
    if (name.find('/') != std::string::npos) {
        report.error(value.at, in_quotes(name) + " is a path; write the name of the program");
        return false;
    }
    if (!check_text(value, report)) {
        return false;
    }
    if (std::find(programs.begin(), programs.end(), name) == programs.end()) {
        programs.push_back(name);
    }
    return true;
}

bool read_value(const Entry& entry, Keep& keep, Report& report) {
    const auto values = values_of(entry, true, report);
    if (values.size() > Keep::max_programs) {
        report.error(entry.value.at, entry.key + " has more than 32 values");
        return false;
    }
    bool good = true;
    for (const Node* value : values) {
        good = read_program(entry, *value, keep.programs, report) && good;
    }
    return good;
}

template <Truth T>
bool read_value(const Entry& entry, T& truth, Report& report) {
    const auto value = read_truth(entry, report);
    truth = value.value_or(false) ? T::yes : T::no;
    return value.has_value();
}

/// Returns a copy of a message template from the policy file, with CR LF replaced by LF and without line breaks at its
/// end.
Node message_text(const Node& value) {
    Node text = value;
    for (std::size_t at = 0; (at = text.text.find("\r\n", at)) != std::string::npos;) {
        text.text.erase(at, 1);
    }
    while (text.text.ends_with('\n')) {
        text.text.pop_back();
    }
    return text;
}

/// The maximum length and the valid placeholders of a message template in the policy.
struct TemplateForm {
    std::size_t longest; ///< in bytes
    std::span<const std::string_view> placeholders;
};

void say_fault(const Node& text, const TemplateFault& fault, const TemplateForm& form, Report& report) {
    const SourceLocation at = report.inside(text, fault.at);
    switch (fault.kind) {
    case TemplateFault::Kind::unknown:
        report.error(at, "unknown placeholder " + in_quotes(fault.name) + suggestion(fault.name, form.placeholders));
        return;
    case TemplateFault::Kind::not_closed:
        report.error(at, "unclosed placeholder, missing \"}\"; write {{ for a literal brace");
        return;
    case TemplateFault::Kind::stray:
        report.error(at, "unmatched \"}\"; write }} for a literal brace");
        return;
    }
}

/// Reads the template of a message. Each key of a template has its own placeholders.
bool read_value(const Entry& entry, std::string& message, Report& report) {
    const TemplateForm form = entry.key == "message_of_end"
                                  ? TemplateForm{max_end_message_length, message_of_end_placeholders}
                                  : TemplateForm{max_message_length, message_placeholders};
    if (entry.value.kind != Node::Kind::text) {
        wrong_type(entry, "a string, in triple quotes if it has several lines", report);
        return false;
    }
    const Node text = message_text(entry.value);
    if (text.text.size() > form.longest) {
        report.error(text.at, entry.key + " has " + std::to_string(text.text.size()) + " bytes; the maximum is " +
                                  std::to_string(form.longest));
        return false;
    }
    if (const std::size_t at = control_at(text.text, true); at != std::string::npos) {
        report.error(report.inside(text, at),
                     "control character not allowed in a message; only line breaks are allowed");
    }
    for (const TemplateFault& fault : faults_of(text.text, form.placeholders)) {
        say_fault(text, fault, form, report);
    }
    message = text.text;
    return true;
}

// The functions examples() return values of a setting of one type.

using Examples = std::vector<std::string>;

Examples strings_of(std::span<const std::string_view> words) {
    return {words.begin(), words.end()};
}

Examples examples(const Count&) {
    return {"0", "1", "3", "10", "unlimited"};
}

Examples examples(const Duration&) {
    return {"30s", "15min", "1h", "8h", "1d", "1d 12h", "unlimited"};
}

Examples examples(const DisplaceIdle&) {
    return {"0s", "1min", "15min"};
}

Examples examples(const std::vector<Duration>&) {
    return {"[]", "5min", "[\"15min\",\"1min\"]"};
}

/// Returns all lists with "input", which is mandatory.
Examples examples(const Activity&) {
    Examples all;
    for (unsigned others = 0; others < 8; ++others) {
        std::string list = "[\"" + std::string(activity_words.front());
        for (std::size_t word = 1; word < activity_words.size(); ++word) {
            list += (others >> (word - 1) & 1U) == 0 ? "" : "\",\"" + std::string(activity_words.at(word));
        }
        all.push_back(list + "\"]");
    }
    return all;
}

Examples examples(const OnIdle&) {
    return strings_of(on_idle_words);
}

Examples examples(const AtLimit&) {
    return strings_of(at_limit_words);
}

Examples examples(const Mode&) {
    return strings_of(mode_words);
}

Examples examples(const OnFleetError&) {
    return strings_of(on_fleet_error_words);
}

Examples examples(const Keep&) {
    return {"[]", "tmux", "screen", "[\"tmux\",\"screen\"]"};
}

Examples examples(const std::string&) {
    return {};
}

template <Truth T>
Examples examples(const T&) {
    return {"true", "false"};
}

template <class T>
std::optional<Setting<T>> read_as(const Entry& entry, SourceId from, Report& report) {
    T value{};
    if (!read_value(entry, value, report)) {
        return std::nullopt;
    }
    return Setting<T>{std::move(value), from, entry.key_at.line};
}

} // namespace

std::span<const std::string_view> setting_keys() {
    static const std::vector<std::string_view> keys = [] {
        std::vector<std::string_view> all;
        const Settings none;
        for_each_setting([&all](std::string_view key, const auto&) { all.push_back(key); }, none);
        return all;
    }();
    return keys;
}

std::vector<std::string> example_values(std::string_view key) {
    if (key == "max_sessions_total") {
        return examples(Count{});
    }
    if (key == "max_sessions_fleet") {
        return {"1", "3", "10", "unlimited"};
    }
    Examples found = key == "exempt" ? Examples{"true", "false"} : Examples{};
    const Settings none;
    for_each_setting(
        [&]<class T>(std::string_view name, const std::optional<Setting<T>>&) {
            if (name == key) {
                found = examples(T{});
            }
        },
        none);
    return found;
}

bool read_setting(const Entry& entry, SourceId from, Settings& settings, Report& report) {
    bool found = false;
    for_each_setting(
        [&]<class T>(std::string_view key, std::optional<Setting<T>>& setting) {
            if (key == entry.key) {
                found = true;
                setting = read_as<T>(entry, from, report);
            }
        },
        settings);
    return found;
}

std::optional<Setting<Count>> read_total(const Entry& entry, SourceId from, Report& report) {
    return read_as<Count>(entry, from, report);
}

void check_settings(const Settings& settings, const Entry* warn_before, Report& report) {
    Duration limit{};
    for (const auto* one : {&settings.max_duration, &settings.idle_timeout, &settings.idle_timeout_no_terminal}) {
        limit = std::max(limit, *one ? (*one)->value : Duration{});
    }
    if (warn_before == nullptr || !settings.warn_before || limit == Duration{}) {
        return;
    }
    for (const Node* value : values_of(*warn_before, true, report)) {
        const auto span = parse_span(value->text);
        if (value->kind == Node::Kind::text && span && *span >= limit) {
            report.warning(value->at, in_quotes(value->text) + " is not shorter than the limit of " +
                                          format_span(limit) + "; the warning would never be shown");
        }
    }
}

} // namespace sesslimit::policy
