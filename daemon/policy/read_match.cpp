// SPDX-License-Identifier: MIT
#include "daemon/policy/read.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sesslimit::policy {
namespace {

constexpr std::array<std::string_view, 8> supported_keys = {"user",   "uid",  "group",  "service",
                                                            "origin", "seat", "method", "credential"};

/// The context for reading keys.
struct Reading {
    NameCache& names;
    Report& report;
};

/// One value of a `match.*` key as written in the policy, without the leading "!" of an excluded value.
struct Written {
    std::string_view text;
    SourceLocation at;
};

/// Passes every value of a `match.*` key to `read`, which converts the value to a pattern or reports an error. Stores
/// the patterns of values with a leading "!" in `into.none`, and the other patterns in `into.any`.
template <class Pattern, class Read>
void read_wanted(const Entry& entry, std::string_view wanted, Wanted<Pattern>& into, Report& report, Read read) {
    for (const Node* value : values_of(entry, false, report)) {
        if (value->kind != Node::Kind::text) {
            wrong_type({entry.key, entry.key_at, *value}, wanted, report);
            continue;
        }
        if (!check_text(*value, report)) {
            continue;
        }
        const bool excluded = value->text.starts_with('!');
        const Written written{std::string_view(value->text).substr(excluded ? 1 : 0),
                              excluded ? report.inside(*value, 1) : value->at};
        if (written.text.empty()) {
            report.error(value->at, "missing value after \"!\"");
        } else if (std::optional<Pattern> pattern = read(written)) {
            (excluded ? into.none : into.any).push_back(std::move(*pattern));
        }
    }
}

void read_user(const Entry& entry, Match& match, Reading& reading) {
    constexpr std::string_view wanted = "user names such as \"alice\" or [\"alice\", \"bob\"]";
    read_wanted(entry, wanted, match.user, reading.report, [&](Written written) -> std::optional<UserPattern> {
        UserPattern pattern{std::string(written.text), reading.names.user(std::string(written.text))};
        if (!pattern.uid) {
            reading.report.warning(written.at, "user " + in_quotes(written.text) + " does not exist on this host");
        }
        return pattern;
    });
}

void read_group(const Entry& entry, Match& match, Reading& reading) {
    constexpr std::string_view wanted = "group names such as \"staff\" or [\"staff\", \"adm\"]";
    read_wanted(entry, wanted, match.group, reading.report, [&](Written written) -> std::optional<GroupPattern> {
        GroupPattern pattern{std::string(written.text), reading.names.group(std::string(written.text))};
        if (!pattern.gid) {
            reading.report.warning(written.at, "group " + in_quotes(written.text) +
                                                   " does not exist on this host and matches no login");
        }
        return pattern;
    });
}

/// The largest valid user ID. The next higher number is (uid_t)-1, which means "do not change" in chown(2) and similar
/// calls.
constexpr std::int64_t last_uid = 4'294'967'294;

std::optional<uid_t> parse_uid(std::string_view digits) {
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool all_digits =
        !digits.empty() && digits.front() != '-' && failed == std::errc() && end == digits.data() + digits.size();
    return all_digits && number <= last_uid ? std::optional(static_cast<uid_t>(number)) : std::nullopt;
}

std::optional<UidRange> parse_uids(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_uid(text.substr(0, dash));
    auto last = first;
    if (dash != text.npos) {
        const bool open = dash + 1 == text.size();
        last = open ? uid_t{last_uid} : parse_uid(text.substr(dash + 1));
    }
    return first && last && *first <= *last ? std::optional(UidRange{*first, *last}) : std::nullopt;
}

void read_uid(const Entry& entry, Match& match, Reading& reading) {
    constexpr std::string_view wanted = "user IDs such as 1000, \"1000-1999\" or \"1000-\"";
    // A user ID may be written as a number or as a string. A number such as 1000 is converted to the string "1000".
    Entry as_text = entry;
    const auto to_text = [](Node& node) {
        if (node.kind == Node::Kind::integer) {
            node.kind = Node::Kind::text;
            node.text = std::to_string(node.number);
        }
    };
    to_text(as_text.value);
    std::for_each(as_text.value.items.begin(), as_text.value.items.end(), to_text);
    read_wanted(as_text, wanted, match.uid, reading.report, [&](Written written) -> std::optional<UidRange> {
        const auto range = parse_uids(written.text);
        if (!range) {
            reading.report.error(written.at, in_quotes(written.text) + " is not a valid user ID or range; write " +
                                                 std::string(wanted));
        }
        return range;
    });
}

void read_service(const Entry& entry, Match& match, Reading& reading) {
    constexpr std::string_view wanted = "PAM services such as \"sshd\" or [\"sshd\", \"login\"]";
    read_wanted(entry, wanted, match.service, reading.report,
                [](Written written) { return std::optional(std::string(written.text)); });
}

void read_origins(const Entry& entry, Match& match, Reading& reading) {
    constexpr std::string_view wanted = "origins such as \"10.0.0.0/8\", \"host.example.org\", \"local\" or \"unix\"";
    read_wanted(entry, wanted, match.origin, reading.report, [&](Written written) -> std::optional<OriginPattern> {
        auto pattern = read_origin(written.text);
        if (!pattern) {
            reading.report.error(written.at, pattern.error());
            return std::nullopt;
        }
        return *pattern;
    });
}

/// Returns true if systemd-logind accepts the text as a seat name (seat_name_is_valid() in src/login/logind-seat.c).
bool is_seat(std::string_view text) {
    constexpr std::string_view prefix = "seat";
    return text.starts_with(prefix) && text.size() > prefix.size() && text.size() <= max_seat_length &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '_';
           });
}

void read_seat(const Entry& entry, Match& match, Reading& reading) {
    constexpr std::string_view wanted = "seats such as \"seat0\" or [\"seat0\", \"seat1\"]";
    read_wanted(entry, wanted, match.seat, reading.report, [&](Written written) -> std::optional<std::string> {
        if (!is_seat(written.text)) {
            reading.report.error(written.at, in_quotes(written.text) + " is not a valid seat name; write " +
                                                 std::string(wanted) + ", as \"loginctl list-seats\" prints them");
            return std::nullopt;
        }
        return std::string(written.text);
    });
}

void read_method(const Entry& entry, Match& match, Reading& reading) {
    // The names of the authentication methods of OpenSSH's sshd (auth2*.c), and of the GSSAPI key exchange, which
    // distributions add to sshd with a patch.
    constexpr std::array<std::string_view, 7> known = {
        "publickey", "password", "keyboard-interactive", "hostbased", "none", "gssapi-with-mic", "gssapi-keyex"};
    constexpr std::string_view wanted = "methods such as \"publickey\" or [\"password\", \"keyboard-interactive\"]";
    read_wanted(entry, wanted, match.method, reading.report, [&](Written written) {
        if (std::find(known.begin(), known.end(), written.text) == known.end()) {
            reading.report.warning(written.at, "unknown authentication method " + in_quotes(written.text) +
                                                   suggestion(written.text, known));
        }
        return std::optional(std::string(written.text));
    });
}

/// Returns the error message for an invalid value of match.credential.
std::string credential_fault(std::string_view text) {
    constexpr std::array<std::string_view, 3> kinds = {"SHA256", "cert-id", "ca"};
    const std::size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    if (kind == "cert-id" && colon != text.npos) {
        return in_quotes(text) + " is not a valid certificate ID: \"cert-id:\" must be followed by 1 to 128 bytes";
    }
    if (colon != text.npos && (kind == "SHA256" || kind == "ca")) {
        return in_quotes(kind == "ca" ? text.substr(colon + 1) : text) +
               " is not a valid fingerprint; write it as \"ssh-keygen -l\" prints it: \"SHA256:\" and 43 characters";
    }
    const std::string_view meant = colon == text.npos ? std::string_view() : nearest(kind, kinds);
    return in_quotes(text) + " is not a valid credential; " +
           (meant.empty() ? R"(write a fingerprint "SHA256:...", a certificate ID "cert-id:...", or )"
                            R"(the fingerprint of a certificate authority "ca:SHA256:...")"
                          : "did you mean " + in_quotes(std::string(meant) + ':') + '?');
}

void read_credential(const Entry& entry, Match& match, Reading& reading) {
    constexpr std::string_view wanted = R"(credentials such as "SHA256:...", "cert-id:..." or "ca:SHA256:...")";
    read_wanted(entry, wanted, match.credential, reading.report,
                [&](Written written) -> std::optional<CredentialPattern> {
                    auto pattern = parse_credential(written.text);
                    if (!pattern) {
                        reading.report.error(written.at, credential_fault(written.text));
                    }
                    return pattern;
                });
}

} // namespace

std::span<const std::string_view> match_keys() {
    return supported_keys;
}

Match read_match(const Node& table, NameCache& names, Report& report) {
    using Reader = void (*)(const Entry&, Match&, Reading&);
    constexpr std::array<Reader, supported_keys.size()> readers = {
        read_user, read_uid, read_group, read_service, read_origins, read_seat, read_method, read_credential};
    Match match;
    Reading reading{names, report};
    for (const Entry& entry : table.entries) {
        const auto found = std::find(supported_keys.begin(), supported_keys.end(), entry.key);
        if (found == supported_keys.end()) {
            unknown_key(entry, "match", supported_keys, report);
        } else {
            readers[static_cast<std::size_t>(found - supported_keys.begin())](entry, match, reading);
        }
    }
    return match;
}

} // namespace sesslimit::policy
