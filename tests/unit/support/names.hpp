// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/policy/load.hpp"

#include <map>

namespace sesslimit::test {

/// A fake user database with the names that the tests use. Counts the lookups.
class FakeNames final : public policy::Names {
  public:
    std::map<std::string, uid_t> users = {{"root", 0},   {"toor", 0},     {"alice", 1001}, {"1001", 5001},
                                          {"bob", 1002}, {"carol", 1003}, {"dave", 1004},  {"oncall", 2000}};
    std::map<std::string, gid_t> groups = {{"staff", 50}, {"contractors", 3000}, {"interns", 3001}, {"adm", 4}};
    int asked = 0;

    std::optional<uid_t> user(const std::string& name) override { return look_up(users, name); }
    std::optional<gid_t> group(const std::string& name) override { return look_up(groups, name); }

  private:
    template <class Id>
    std::optional<Id> look_up(const std::map<std::string, Id>& known, const std::string& name) {
        ++asked;
        const auto at = known.find(name);
        return at == known.end() ? std::nullopt : std::optional(at->second);
    }
};

/// A fake user database that contains every name.
class EveryName final : public policy::Names {
  public:
    std::optional<uid_t> user(const std::string& name) override { return name == "root" ? 0 : 1000; }
    std::optional<gid_t> group(const std::string&) override { return 1000; }
};

} // namespace sesslimit::test
