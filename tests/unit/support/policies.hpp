// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/login.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/names.hpp"

#include <string>
#include <string_view>
#include <vector>

/// Policies and logins for the tables of resolve_test and match_test.
namespace sesslimit::test {

inline Login login_of(std::string user, uid_t uid, std::vector<gid_t> gids) {
    Login login;
    login.user = std::move(user);
    login.uid = uid;
    login.gids = std::move(gids);
    login.service = "sshd";
    login.rhost = "10.2.3.4";
    login.credential.method = "publickey";
    return login;
}

inline const Login alice = login_of("alice", 1001, {50, 3000});   // staff, contractors
inline const Login bob = login_of("bob", 1002, {50, 3000, 3001}); // staff, contractors, interns
inline const Login root = login_of("root", 0, {0});
inline const Login oncall = login_of("oncall", 2000, {50});

inline Login from(std::string host) {
    Login login = alice;
    login.rhost = std::move(host);
    return login;
}

inline Login by(std::string method, std::string fingerprint = {}) {
    Login login = alice;
    login.credential = {std::move(method), std::move(fingerprint)};
    return login;
}

/// Returns a login by a certificate of the key.
inline Login certified(std::string id, std::string ca, std::string fingerprint = {}) {
    Login login = by("publickey", std::move(fingerprint));
    login.credential.certificate_id = std::move(id);
    login.credential.ca = std::move(ca);
    return login;
}

inline Login at_seat(std::string seat) {
    Login login = alice;
    login.service = "login";
    login.rhost.clear();
    login.credential = {};
    login.seat = std::move(seat);
    return login;
}

inline Login through(std::string service) {
    Login login = alice;
    login.service = std::move(service);
    return login;
}

inline Login with_uid(uid_t uid) {
    return login_of("user" + std::to_string(uid), uid, {100});
}

/// Loads a policy that must not have any problems. The texts start at line 2, because the version is in line 1.
inline policy::Policy policy_of(std::string_view host, std::string_view managed = {}) {
    FakeNames names;
    const std::string version = "version = 1\n";
    policy::Loaded loaded = policy::load({{"managed.toml", policy::Tier::managed, version + std::string(managed)},
                                          {"host.toml", policy::Tier::host, version + std::string(host)}},
                                         names);
    std::string problems;
    for (const policy::Problem& problem : loaded.problems) {
        problems += policy::format(problem) + '\n';
    }
    EXPECT_TEXT(problems, "");
    return std::move(*loaded.policy);
}

} // namespace sesslimit::test
