// SPDX-License-Identifier: MIT
#include "daemon/policy/match.hpp"

#include "daemon/policy/resolve.hpp"
#include "tests/unit/support/policies.hpp"

namespace {

using namespace sesslimit;
using namespace sesslimit::policy;
using namespace sesslimit::test;
using namespace std::string_literals;
using namespace std::string_view_literals;

Address address(std::string_view text) {
    return parse_address(text).value();
}

SESSLIMIT_TEST(addresses_parsed) {
    EXPECT(address("10.1.2.3").family == Address::Family::v4, "v4");
    EXPECT(address("10.1.2.3").bytes[3] == 3, "v4");
    EXPECT(address("2001:db8::1").family == Address::Family::v6, "v6");
    EXPECT(address("::ffff:10.1.2.3") == address("10.1.2.3"), "mapped");
    EXPECT(address("::FFFF:a01:203") == address("10.1.2.3"), "mapped");
    EXPECT(address("::10.1.2.3") != address("10.1.2.3"), "not mapped");
    EXPECT(address("fe80::1%eth0") == address("fe80::1"), "scope");
    EXPECT(address("1111:2222:3333:4444:5555:6666:123.123.123.123").bytes[15] == 123, "the longest form");
    for (const std::string_view text :
         {""sv, "%"sv, "%eth0"sv, "10.1.2"sv, "10.1.2.3%eth0"sv, "10.1.2.256"sv, "1::2::3"sv, ":::"sv, "::1\0"sv,
          "::1 "sv, "[::1]"sv, "::1/128"sv, "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"sv}) {
        EXPECT(!parse_address(text), text);
    }
}

SESSLIMIT_TEST(network_contains_addresses_with_its_prefix) {
    struct Case {
        std::string_view first;
        std::uint8_t prefix;
        std::string_view address;
        bool contains;
    };
    constexpr Case cases[] = {
        {"10.0.0.0", 8, "10.255.255.255", true},
        {"10.0.0.0", 8, "11.0.0.0", false},
        {"10.128.0.0", 9, "10.127.255.255", false},
        {"10.1.2.3", 32, "10.1.2.3", true},
        {"10.1.2.3", 32, "10.1.2.2", false},
        {"0.0.0.0", 0, "255.255.255.255", true},
        {"0.0.0.0", 0, "::1", false},
        {"2001:db8::", 32, "2001:db8:ffff::", true},
        {"2001:db8::", 32, "2001:db9::", false},
        {"2001:db8::1", 128, "2001:db8::1", true},
        {"2001:db8::1", 128, "2001:db8::", false},
        {"::", 0, "2001:db8::", true},
        {"::", 1, "8000::", false},
    };
    for (const Case& one : cases) {
        const Network network{address(one.first), one.prefix};
        EXPECT(contains(network, address(one.address)) == one.contains, one.address);
    }
    EXPECT(masked(address("10.255.1.2"), 12) == address("10.240.0.0"), "masked");
    EXPECT(masked(address("ffff::1"), 0) == address("::"), "masked");
}

SESSLIMIT_TEST(origin_derived_from_login) {
    Login login;
    EXPECT(origin_of(login).local, "no host");
    login.connection = "10.1.2.3 1 10.0.0.1 22";
    EXPECT(origin_of(login).local && !origin_of(login).address, "without a host it is local, even with a connection");
    login.rhost = "10.9.9.9";
    EXPECT(origin_of(login).address == address("10.9.9.9"), "the host's address has priority");
    EXPECT(origin_of(login).host.empty(), "an address is not a name");
    login.rhost = "Gate.example.org.";
    EXPECT(origin_of(login).address == address("10.1.2.3"), "a name: the address of the connection");
    EXPECT_TEXT(origin_of(login).host, "Gate.example.org");
    login.connection = "UNKNOWN 65535 UNKNOWN 65535";
    EXPECT(!origin_of(login).address && !origin_of(login).local, "no address");
    login.rhost = "unix";
    // The second one: a client that has bound its socket to the path "10.1.2.3 1 10.0.0.1 22".
    for (const char* connection : {"UNKNOWN 65535 UNKNOWN 65535", "10.1.2.3 1 10.0.0.1 22 0 /run/sshd.sock 0",
                                   "10.1.2.3 0 /run/sshd.sock 0", " 0 /run/sshd.sock 0", ""}) {
        login.connection = connection;
        EXPECT(origin_of(login).unix_socket && !origin_of(login).local && !origin_of(login).address, connection);
    }
    login.connection = "10.1.2.3 1 10.0.0.1 22";
    EXPECT(!origin_of(login).unix_socket && origin_of(login).host == "unix", "a host with this name");
    login.connection = "";
    login.rhost = ".";
    EXPECT(!origin_of(login).address && !origin_of(login).local, "only a dot");
}

SESSLIMIT_TEST(match_requires_all_keys_and_any_value) {
    Login login;
    login.user = "alice";
    login.uid = 1001;
    login.gids = {50, 100};
    login.service = "sshd";
    const Origin origin = origin_of(login);
    Match match;
    EXPECT(matches(match, login, origin), "no key matches every login");
    match.user.any = {{"bob", 1002}, {"alice", std::nullopt}};
    EXPECT(matches(match, login, origin), "by name");
    match.user.any = {{"other-name", 1001}};
    EXPECT(matches(match, login, origin), "by uid");
    match.group.any = {{"a", 7}, {"b", 100}};
    EXPECT(matches(match, login, origin), "by group");
    match.group.none = {{"c", 50}};
    EXPECT(!matches(match, login, origin), "excluded");
    match.group.none = {{"c", std::nullopt}};
    EXPECT(matches(match, login, origin), "an unresolved group excludes no login");
    match.group.any = {{"c", std::nullopt}};
    EXPECT(!matches(match, login, origin), "an unresolved group matches no login");
    match.group = {};
    match.service.any = {"login"};
    EXPECT(!matches(match, login, origin), "every key must match");
    EXPECT(!match.service.absent() && match.origin.absent(), "absent");
}

/// A line with a `match` key and whether it matches the login. A limit of one session shows the result.
struct Fits {
    const char* match;
    Login login;
    bool fits;
};

void check(const std::vector<Fits>& cases) {
    for (const Fits& one : cases) {
        const Policy policy = policy_of("[[rule]]\nname = \"r\"\n" + std::string(one.match) + "\nmax_sessions = 1\n");
        const bool fits = resolve(policy, one.login).max_sessions.value == 1;
        EXPECT(fits == one.fits, std::string(one.match) + " and " + one.login.user + " from " + one.login.rhost);
    }
}

SESSLIMIT_TEST(match_by_user_uid_and_group) {
    Login toor = root;
    toor.user = "toor";
    Login nobodys_name = login_of("alice", 4242, {});
    check(std::vector<Fits>{
        {"match.user = \"alice\"", alice, true},
        {"match.user = \"alice\"", bob, false},
        {"match.user = \"alice\"", login_of("Alice", 7, {}), false},
        {"match.user = [\"bob\", \"alice\"]", alice, true},
        {"match.user = \"root\"", toor, true},
        {"match.user = \"alice\"", nobodys_name, true},
        {"match.user = \"!alice\"", alice, false},
        {"match.user = \"!alice\"", bob, true},
        {"match.user = \"!root\"", toor, false},
        {"match.user = [\"alice\", \"bob\", \"!bob\"]", bob, false},
        {"match.user = [\"!bob\", \"alice\"]", oncall, false},
        {"match.user = \"1001\"", alice, false}, // a name, not a user ID
        {"match.user = \"1001\"", login_of("1001", 5001, {}), true},
        {"match.uid = 1001", alice, true},
        {"match.uid = \"1001\"", alice, true},
        {"match.uid = \"1000-\"", root, false},
        {"match.uid = \"1000-\"", with_uid(1000), true},
        {"match.uid = \"1000-\"", with_uid(4294967294), true},
        {"match.uid = \"4294967294\"", with_uid(4294967294), true},
        {"match.uid = \"1000-1999\"", with_uid(999), false},
        {"match.uid = \"1000-1999\"", with_uid(1000), true},
        {"match.uid = \"1000-1999\"", with_uid(1999), true},
        {"match.uid = \"1000-1999\"", with_uid(2000), false},
        {"match.uid = [\"1000-\", \"!1500\", 7]", with_uid(1500), false},
        {"match.uid = [\"1000-\", \"!1500\", 7]", with_uid(7), true},
        {"match.uid = \"!0\"", root, false},
        {"match.uid = \"!0\"", alice, true},
        {"match.uid = \"0-\"", root, true},
        {"match.group = \"contractors\"", alice, true},
        {"match.group = \"interns\"", alice, false},
        {"match.group = [\"interns\", \"staff\"]", alice, true},
        {"match.group = [\"staff\", \"!interns\"]", bob, false},
        {"match.group = \"!interns\"", oncall, true},
        {"match.user = \"alice\"\nmatch.group = \"interns\"", alice, false},
        {"match.user = \"bob\"\nmatch.group = \"interns\"", bob, true},
    });
}

SESSLIMIT_TEST(match_by_service_method_and_key) {
    const std::string print = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    const std::string other = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV";
    check(std::vector<Fits>{
        {"match.service = \"sshd\"", alice, true},
        {"match.service = \"sshd\"", through("login"), false},
        {"match.service = \"!sshd\"", through("login"), true},
        {"match.service = [\"gdm-password\", \"login\"]", through("login"), true},
        {"match.method = \"publickey\"", by("publickey"), true},
        {"match.method = \"publickey\"", by("password"), false},
        {"match.method = \"publickey\"", by(""), false},
        {"match.method = [\"password\", \"keyboard-interactive\"]", by("keyboard-interactive"), true},
        {"match.method = \"!publickey\"", by("password"), true},
        {"match.method = \"!publickey\"", by(""), true},
        {"match.credential = \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", by("publickey", print), true},
        {"match.credential = \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", by("publickey", other), false},
        {"match.credential = \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", by("password"), false},
        {"match.credential = \"!SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", by("publickey", print), false},
        {"match.credential = \"!SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", by("password"), true},
    });
}

SESSLIMIT_TEST(match_by_certificate) {
    const std::string ours = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    const std::string other = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV";
    check(std::vector<Fits>{
        {"match.credential = \"cert-id:deploy\"", certified("deploy", ours), true},
        {"match.credential = \"cert-id:deploy\"", certified("deploy2", ours), false},
        {"match.credential = \"cert-id:deploy\"", certified("", ours), false},
        {"match.credential = \"cert-id:deploy\"", by("publickey", "deploy"), false},
        {"match.credential = \"cert-id:cert-id:a !b\"", certified("cert-id:a !b", ours), true},
        {"match.credential = \"!cert-id:deploy\"", certified("deploy", ours), false},
        {"match.credential = \"!cert-id:deploy\"", by("password"), true},
        {"match.credential = \"ca:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", certified("a", ours), true},
        {"match.credential = \"ca:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", certified("a", other), false},
        {"match.credential = \"ca:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", by("publickey", ours), false},
        {"match.credential = \"!ca:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", certified("a", ours), false},
        {"match.credential = \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", certified("a", ours), false},
        {"match.credential = \"SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"", certified("a", other, ours),
         true},
        {"match.credential = [\"cert-id:a\", \"!ca:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"]",
         certified("a", ours), false},
        {"match.credential = [\"cert-id:a\", \"!ca:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\"]",
         certified("a", other), true},
    });
}

SESSLIMIT_TEST(credential_patterns_parsed) {
    using Kind = CredentialPattern::Kind;
    const std::string print = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    const std::string longest(128, 'i');
    EXPECT((parse_credential(print) == CredentialPattern{Kind::key, print}), "key");
    EXPECT((parse_credential("ca:" + print) == CredentialPattern{Kind::authority, print}), "ca");
    EXPECT((parse_credential("cert-id:" + longest) == CredentialPattern{Kind::certificate_id, longest}), "id");
    for (const std::string& text : {std::string(), "cert-id:" + longest + 'i', "cert-id:a" + std::string(1, '\0'),
                                    "cert-id:"s, "ca:"s, "ca:ca:" + print, print + 'U', print.substr(0, 49),
                                    "ca:cert-id:a"s, "CA:" + print, "SHA256:"s, "SHA256:" + std::string(43, '=')}) {
        EXPECT(!parse_credential(text), text);
    }
}

SESSLIMIT_TEST(match_by_seat) {
    check(std::vector<Fits>{
        {"match.seat = \"seat0\"", at_seat("seat0"), true},
        {"match.seat = \"seat0\"", at_seat("seat1"), false},
        {"match.seat = \"seat0\"", at_seat("seat00"), false},
        {"match.seat = \"seat0\"", alice, false},
        {"match.seat = [\"seat0\", \"seat-usb_2\"]", at_seat("seat-usb_2"), true},
        {"match.seat = \"!seat0\"", at_seat("seat0"), false},
        {"match.seat = \"!seat0\"", at_seat("seat1"), true},
        {"match.seat = \"!seat0\"", alice, true},
        {"match.seat = \"seat0\"\nmatch.service = \"sshd\"", at_seat("seat0"), false},
    });
}

SESSLIMIT_TEST(match_by_origin) {
    Login resolved = from("gate.example.org");
    resolved.connection = "10.2.3.4 50000 10.0.0.1 22";
    check(std::vector<Fits>{
        {"match.origin = \"10.0.0.0/8\"", from("10.2.3.4"), true},
        {"match.origin = \"10.0.0.0/8\"", from("11.2.3.4"), false},
        {"match.origin = \"10.0.0.0/8\"", from(""), false},
        {"match.origin = \"10.0.0.0/8\"", from("10.2.3"), false},
        {"match.origin = \"10.0.0.0/8\"", from("host"), false},
        {"match.origin = \"10.0.0.0/8\"", from("::ffff:10.2.3.4"), true},
        {"match.origin = \"10.0.0.0/8\"", resolved, true},
        {"match.origin = \"::ffff:10.0.0.0/104\"", from("10.2.3.4"), true},
        {"match.origin = [\"10.0.0.0/8\", \"!10.1.0.0/16\"]", from("10.1.3.4"), false},
        {"match.origin = [\"10.0.0.0/8\", \"!10.1.0.0/16\"]", from("10.2.3.4"), true},
        {"match.origin = \"!10.0.0.0/8\"", from("10.2.3.4"), false},
        {"match.origin = \"!10.0.0.0/8\"", from("2001:db8::1"), true},
        {"match.origin = \"!10.0.0.0/8\"", from(""), true},
        {"match.origin = \"10.2.3.4\"", from("10.2.3.4"), true},
        {"match.origin = \"10.2.3.4\"", from("10.2.3.5"), false},
        {"match.origin = \"0.0.0.0/0\"", from("10.2.3.4"), true},
        {"match.origin = \"0.0.0.0/0\"", from("2001:db8::1"), false},
        {"match.origin = \"::/0\"", from("2001:db8::1"), true},
        {"match.origin = \"::/0\"", from("10.2.3.4"), false},
        {"match.origin = \"2001:db8::/33\"", from("2001:db8:7fff::1"), true},
        {"match.origin = \"2001:db8::/33\"", from("2001:db8:8000::1"), false},
        {"match.origin = \"2001:DB8::7\"", from("2001:db8:0:0::7"), true},
        {"match.origin = \"fe80::/10\"", from("fe80::1%eth0"), true},
        {"match.origin = \"gate.example.org\"", from("Gate.Example.ORG."), true},
        {"match.origin = \"Gate.Example.ORG.\"", from("gate.example.org"), true},
        {"match.origin = \"gate.example.org\"", from("xgate.example.org"), false},
        {"match.origin = \"gate.example.org\"", from("gate.example.org.evil.example"), false},
        {"match.origin = \"*.example.org\"", from("a.b.example.org"), true},
        {"match.origin = \"*.example.org\"", from("example.org"), false},
        {"match.origin = \"*.example.org\"", from("badexample.org"), false},
        {"match.origin = \"*.example.org\"", from(".example.org"), false},
        {"match.origin = [\"*.example.org\", \"!bad.example.org\"]", from("bad.example.org"), false},
        {"match.origin = \"local\"", from(""), true},
        {"match.origin = \"local\"", from("127.0.0.1"), false},
        {"match.origin = \"local\"", from("local"), false},
        {"match.origin = \"!local\"", from(""), false},
        {"match.origin = [\"local\", \"10.0.0.0/8\"]", from("10.2.3.4"), true},
        {"match.origin = \"unix\"", from("unix"), true},
        {"match.origin = \"unix\"", from(""), false},
        {"match.origin = \"!local\"", from("unix"), true},
        {"match.origin = [\"local\", \"0.0.0.0/0\", \"::/0\", \"*.unix\"]", from("unix"), false},
    });
}

SESSLIMIT_TEST(hostile_hosts_match_no_origin) {
    using namespace std::string_literals;
    const Policy policy = policy_of(R"([[rule]]
name = "r"
match.origin = ["10.0.0.0/8", "2001:db8::/32", "gate.example.org", "*.example.org", "local"]
max_sessions = 1
)");
    for (const std::string& host :
         {"10.2.3.4\0"s, "10.2.3.4 "s, " 10.2.3.4"s, std::string(10000, '1'), "%"s, ":"s, "."s, "%eth0"s, ".."s,
          "\xFF\xFE"s, "gate.example.org\0"s, "10.2.3.4\n"s, "010.2.3.4"s}) {
        EXPECT(resolve(policy, from(host)).max_sessions.value == unlimited_count, host);
    }
}

} // namespace
