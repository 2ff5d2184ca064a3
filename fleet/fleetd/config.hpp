// SPDX-License-Identifier: MIT
#pragma once

#include "fleet/etcd/credentials.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The configuration of sesslimit-fleetd, fleet.toml(5).
namespace sesslimit::fleet {

/// The text by which the hosts of a fleet identify a user.
enum class Identity : std::uint8_t {
    name, ///< User name.
    uid,  ///< User ID, in decimal.
};

/// The contents of fleet.toml.
struct Config {
    std::string fleet{};                  ///< Name of the fleet, valid according to is_valid_name().
    std::string host{};                   ///< Name of this host in the fleet, also valid.
    std::vector<std::string> endpoints{}; ///< Nodes of etcd as HOST:PORT, 1 to max_endpoints.
    std::filesystem::path ca{}, certificate{}, key{};
    Identity identity = Identity::name;
    std::chrono::seconds host_ttl{30};
};

inline constexpr std::size_t max_endpoints = 9;
inline constexpr std::chrono::seconds min_host_ttl{10};
inline constexpr std::chrono::seconds max_host_ttl{600};

/// Returns the keys of fleet.toml.
std::span<const std::string_view> config_keys();

/// Parses the text of fleet.toml. `host` is the name of this host if the text has none. Errors: all errors of the text,
/// in the format of policy::format(), one or more lines for each.
std::expected<Config, std::string> parse_config(const std::string& path, std::string_view text,
                                                const std::string& host);

/// Reads and parses fleet.toml. The default of the host is the name of the system.
std::expected<Config, std::string> read_config(const std::filesystem::path& path);

/// Reads and checks the files for TLS.
Result<etcd::Credentials> read_credentials(const Config& config);

} // namespace sesslimit::fleet
