// SPDX-License-Identifier: MIT
#include "fleet/fleetd/config.hpp"

#include "common/duration.hpp"
#include "common/text.hpp"
#include "daemon/policy/read.hpp"
#include "fleet/keys.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace sesslimit::fleet {
namespace {

using policy::Entry;
using policy::Node;
using policy::Report;

constexpr std::array<std::string_view, 9> all_keys = {"version",     "fleet", "host",     "endpoints", "ca",
                                                      "certificate", "key",   "identity", "host_ttl"};
constexpr std::string_view scheme = "https://";

/// Reads the top-level table of fleet.toml.
class Reader {
  public:
    Reader(Report& report, Config& config) : report_(report), config_(config) {}

    void read(const Node& root) {
        for (const Entry& entry : root.entries) {
            read_entry(entry);
        }
        for (const std::string_view key : {"version", "fleet", "endpoints", "ca", "certificate", "key"}) {
            if (std::ranges::find(root.entries, key, &Entry::key) == root.entries.end()) {
                report_.error({}, "missing \"" + std::string(key) + "\"; add " + std::string(example_of(key)));
            }
        }
    }

  private:
    static std::string_view example_of(std::string_view key) {
        return key == "version"       ? "version = 1"
               : key == "fleet"       ? "fleet = \"NAME\", the same name on all hosts"
               : key == "endpoints"   ? "endpoints = [\"https://HOST:2379\"], the nodes of etcd"
               : key == "ca"          ? "ca = \"/etc/sesslimit/fleet/ca.pem\""
               : key == "certificate" ? "certificate = \"/etc/sesslimit/fleet/host.pem\""
                                      : "key = \"/etc/sesslimit/fleet/host.key\"";
    }

    void read_entry(const Entry& entry) {
        if (entry.key == "version") {
            read_version(entry);
        } else if (entry.key == "fleet") {
            read_name(entry, config_.fleet);
        } else if (entry.key == "host") {
            read_name(entry, config_.host);
        } else if (entry.key == "endpoints") {
            read_endpoints(entry);
        } else if (entry.key == "ca") {
            read_path(entry, config_.ca);
        } else if (entry.key == "certificate") {
            read_path(entry, config_.certificate);
        } else if (entry.key == "key") {
            read_path(entry, config_.key);
        } else if (entry.key == "identity") {
            read_identity(entry);
        } else if (entry.key == "host_ttl") {
            read_ttl(entry);
        } else {
            report_.error(entry.key_at,
                          "unknown key " + policy::in_quotes(entry.key) + policy::suggestion(entry.key, all_keys));
        }
    }

    void read_version(const Entry& entry) {
        if (entry.value.kind != Node::Kind::integer) {
            policy::wrong_type(entry, "1", report_);
        } else if (entry.value.number != 1) {
            report_.error(entry.value.at, "unsupported version " + std::to_string(entry.value.number) +
                                              "; only version 1 is supported");
        }
    }

    /// Returns the value of a string. Reports an error and returns nullptr for other values.
    const std::string* text_of(const Entry& entry, std::string_view wanted) {
        if (entry.value.kind != Node::Kind::text) {
            policy::wrong_type(entry, wanted, report_);
            return nullptr;
        }
        return policy::check_text(entry.value, report_) ? &entry.value.text : nullptr;
    }

    void read_name(const Entry& entry, std::string& name) {
        const std::string* text = text_of(entry, "a name such as \"web1\"");
        if (text != nullptr && !is_valid_name(*text)) {
            report_.error(entry.value.at, entry.key + ": " + policy::in_quotes(*text) +
                                              " is not a valid name; use at most 64 letters, digits, \"-\", \".\" and "
                                              "\"_\"");
        } else if (text != nullptr) {
            name = *text;
        }
    }

    void read_path(const Entry& entry, std::filesystem::path& path) {
        const std::string* text = text_of(entry, "the path of a file");
        if (text != nullptr && !text->starts_with('/')) {
            report_.error(entry.value.at, entry.key + ": " + policy::in_quotes(*text) +
                                              " is not an absolute path; start it with \"/\"");
        } else if (text != nullptr) {
            path = *text;
        }
    }

    void read_endpoints(const Entry& entry) {
        const auto values = policy::values_of(entry, true, report_);
        if (values.empty() || values.size() > max_endpoints) {
            report_.error(entry.value.at, "endpoints: expected 1 to 9 nodes, got " + std::to_string(values.size()));
        }
        for (const Node* value : values) {
            const Entry item{entry.key, entry.key_at, *value};
            const std::string* text = text_of(item, "\"https://HOST:PORT\"");
            if (text == nullptr) {
                continue;
            }
            if (auto address = address_of(*text)) {
                config_.endpoints.push_back(*std::move(address));
            } else {
                report_.error(value->at, "endpoints: " + policy::in_quotes(*text) +
                                             " is not of the form \"https://HOST:PORT\"; etcd is only used with TLS");
            }
        }
    }

    /// Returns HOST:PORT of "https://HOST:PORT". The host can be a name, an IPv4 address, or an IPv6 address in
    /// brackets.
    static std::optional<std::string> address_of(std::string_view url) {
        if (!url.starts_with(scheme)) {
            return std::nullopt;
        }
        url.remove_prefix(scheme.size());
        const std::size_t colon = url.rfind(':');
        if (colon == std::string_view::npos || colon == 0) {
            return std::nullopt;
        }
        std::string_view host = url.substr(0, colon);
        const bool in_brackets = host.starts_with('[') && host.ends_with(']');
        const std::string_view allowed = in_brackets ? "0123456789abcdefABCDEF:." : "-._";
        if (in_brackets) {
            host = host.substr(1, host.size() - 2);
        }
        const auto is_allowed = [&](char c) {
            const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
            return allowed.find(c) != std::string_view::npos || (!in_brackets && letter);
        };
        const std::string_view digits = url.substr(colon + 1);
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (host.empty() || !std::ranges::all_of(host, is_allowed) || error != std::errc{} ||
            end != digits.data() + digits.size() || port == 0) {
            return std::nullopt;
        }
        return std::string(url);
    }

    void read_identity(const Entry& entry) {
        const std::string* text = text_of(entry, "\"name\" or \"uid\"");
        if (text == nullptr) {
            return;
        }
        if (*text == "name" || *text == "uid") {
            config_.identity = *text == "uid" ? Identity::uid : Identity::name;
        } else {
            report_.error(entry.value.at, "identity: expected \"name\" or \"uid\", got " + policy::in_quotes(*text));
        }
    }

    void read_ttl(const Entry& entry) {
        const std::string* text = text_of(entry, "a duration such as \"30s\"");
        if (text == nullptr) {
            return;
        }
        const auto duration = parse_span(*text);
        if (!duration || *duration < min_host_ttl || *duration > max_host_ttl ||
            *duration % std::chrono::seconds(1) != Duration{}) {
            report_.error(entry.value.at, "host_ttl: expected whole seconds from \"10s\" to \"10min\", got " +
                                              policy::in_quotes(*text));
        } else {
            config_.host_ttl = std::chrono::duration_cast<std::chrono::seconds>(*duration);
        }
    }

    Report& report_;
    Config& config_;
};

std::string formatted(const std::vector<policy::Problem>& problems) {
    std::string text;
    for (const policy::Problem& problem : problems) {
        text += (text.empty() ? "" : "\n") + policy::format(problem);
    }
    return text;
}

/// Returns the name of the system up to the first dot.
std::string name_of_system() {
    utsname system{};
    if (uname(&system) != 0) {
        return {};
    }
    const std::string name = static_cast<const char*>(system.nodename);
    return name.substr(0, name.find('.'));
}

Result<std::string> read_file(const std::filesystem::path& path) {
    auto source = policy::read_text(path, policy::Tier::host);
    if (!source) {
        return fail(policy::format(source.error()));
    }
    return std::move(source->text);
}

} // namespace

std::span<const std::string_view> config_keys() {
    return all_keys;
}

std::expected<Config, std::string> parse_config(const std::string& path, std::string_view text,
                                                const std::string& host) {
    Config config;
    config.host = host;
    std::vector<policy::Problem> problems;
    const auto lines = policy::lines_of(text);
    Report report(path, lines, problems);
    const auto root = policy::parse_document(text, lines);
    if (root) {
        Reader(report, config).read(*root);
        if (problems.empty() && !is_valid_name(config.host)) {
            report.error({}, "missing \"host\", because the name of the system is not valid; add host = \"NAME\"");
        }
    } else {
        report.error(root.error().at, root.error().what);
    }
    if (!problems.empty()) {
        return std::unexpected(formatted(problems));
    }
    return config;
}

std::expected<Config, std::string> read_config(const std::filesystem::path& path) {
    const auto text = read_file(path);
    if (!text) {
        return std::unexpected(text.error().what);
    }
    return parse_config(path.native(), *text, name_of_system());
}

Result<etcd::Credentials> read_credentials(const Config& config) {
    etcd::Credentials credentials;
    for (const auto& [path, text] :
         {std::pair(&config.ca, &credentials.ca), std::pair(&config.certificate, &credentials.certificate),
          std::pair(&config.key, &credentials.key)}) {
        auto contents = read_file(*path);
        if (!contents) {
            return std::unexpected(contents.error());
        }
        *text = *std::move(contents);
    }
    return credentials;
}

} // namespace sesslimit::fleet
