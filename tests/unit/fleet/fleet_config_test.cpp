// SPDX-License-Identifier: MIT
#include "fleet/fleetd/config.hpp"
#include "tests/unit/support/cmocka.hpp"

namespace sesslimit::fleet {
namespace {

const std::string complete = R"(version = 1
fleet = "office"
endpoints = ["https://etcd1.example.org:2379", "https://10.0.0.2:2379", "https://[2001:db8::3]:2379"]
ca = "/etc/sesslimit/fleet/ca.pem"
certificate = "/etc/sesslimit/fleet/host.pem"
key = "/etc/sesslimit/fleet/host.key"
)";

/// Returns the errors of a text, without the excerpts of its lines.
std::string errors_of(const std::string& text) {
    const auto config = parse_config("fleet.toml", text, "web1");
    return config ? "" : config.error();
}

bool reports(const std::string& line, const std::string& error) {
    return errors_of(complete + line).find(error) != std::string::npos;
}

SESSLIMIT_TEST(a_complete_configuration_has_the_documented_defaults) {
    const auto config = parse_config("fleet.toml", complete, "web1");
    EXPECT(config.has_value(), errors_of(complete).c_str());
    EXPECT_TEXT(config->fleet, "office");
    EXPECT_TEXT(config->host, "web1");
    EXPECT(config->endpoints.size() == 3, "three nodes");
    EXPECT_TEXT(config->endpoints[0], "etcd1.example.org:2379");
    EXPECT_TEXT(config->endpoints[2], "[2001:db8::3]:2379");
    EXPECT_TEXT(config->key.native(), "/etc/sesslimit/fleet/host.key");
    EXPECT(config->identity == Identity::name, "the default is the name");
    EXPECT(config->host_ttl == std::chrono::seconds(30), "the default is 30 s");
}

SESSLIMIT_TEST(optional_keys_replace_the_defaults) {
    const auto config = parse_config(
        "fleet.toml", complete + "host = \"db-2.rack_1\"\nhost_ttl = \"2min\"\nidentity = \"uid\"\n", "web1");
    EXPECT(config.has_value(), "valid");
    EXPECT_TEXT(config->host, "db-2.rack_1");
    EXPECT(config->host_ttl == std::chrono::minutes(2), "2 minutes");
    EXPECT(config->identity == Identity::uid, "by user ID");
}

SESSLIMIT_TEST(each_error_names_its_line_and_a_remedy) {
    EXPECT(reports("endpoint = 1\n", "fleet.toml:7:1: error: unknown key \"endpoint\"; did you mean \"endpoints\"?"),
           "a misspelled key");
    EXPECT(reports("host = \"a/b\"\n", "fleet.toml:7:8: error: host: \"a/b\" is not a valid name"), "a name");
    EXPECT(reports("identity = \"gid\"\n", "expected \"name\" or \"uid\", got \"gid\""), "an identity");
    for (const char* ttl : {"\"9s\"", "\"11min\"", "\"10500ms\"", "\"\"", "30"}) {
        EXPECT(reports("host_ttl = " + std::string(ttl) + "\n", "fleet.toml:7:12: error: "), ttl);
    }
    const std::string missing = errors_of("host = \"web1\"\n");
    for (const char* key : {"version", "fleet", "endpoints", "ca", "certificate", "key"}) {
        EXPECT(missing.find("missing \"" + std::string(key) + "\"; add ") != std::string::npos, key);
    }
}

SESSLIMIT_TEST(endpoints_must_use_tls_and_have_a_port) {
    for (const char* url :
         {"http://a:2379", "https://a", "https://:2379", "https://a:0", "https://a:65536", "a:2379", "https://a:2379/",
          "https://a b:2379", "https://u@a:2379", "https://[::1:2379", "https://[]:2379", ""}) {
        const std::string text = "version = 1\nendpoints = [\"" + std::string(url) + "\"]\n";
        EXPECT(errors_of(text).find("fleet.toml:2:14: error: ") != std::string::npos, url);
    }
    EXPECT(errors_of("endpoints = []\n").find("expected 1 to 9 nodes, got 0") != std::string::npos, "no node");
}

SESSLIMIT_TEST(a_host_without_a_valid_name_needs_one_in_the_file) {
    const auto config = parse_config("fleet.toml", complete, "web 1");
    EXPECT(!config && config.error().find("add host = \"NAME\"") != std::string::npos, "the remedy");
}

} // namespace
} // namespace sesslimit::fleet
