// SPDX-License-Identifier: MIT
#include "ctl/commands/check.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/ctl/schema.hpp"
#include "tests/ctl/temporary_directory.hpp"
#include "tests/unit/support/cmocka.hpp"
#include "tests/unit/support/names.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;
namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

struct Outcome {
    Exit exit;
    std::string printed;
    std::string complaints;
};

Outcome checked(const CheckRequest& request, Json json = Json::off, bool legend = true) {
    EveryName names;
    FakeConsole console;
    console.look.json = json;
    console.look.legend = legend;
    const Exit exit = check(request, names, console);
    return {exit, console.printed, console.complaints};
}

CheckRequest of_files(std::vector<std::string> files) {
    CheckRequest request;
    request.files = std::move(files);
    return request;
}

CheckRequest of_directory(const std::string& directory) {
    CheckRequest request;
    request.directory = directory;
    request.directory_given = true;
    return request;
}

SESSLIMIT_TEST(check_valid_file_reports_no_error) {
    const TemporaryDirectory directory;
    const std::string file = directory.write("a.toml", "version = 1\n[defaults]\nmax_sessions = 3\n");
    const Outcome outcome = checked(of_files({file}));
    EXPECT(outcome.exit == Exit::ok, "exit");
    EXPECT_TEXT(outcome.printed, "1 file checked: no error.\n");
    EXPECT_TEXT(checked(of_files({file}), Json::off, false).printed, "");
}

SESSLIMIT_TEST(check_reports_all_errors_of_all_files) {
    const TemporaryDirectory directory;
    const std::string one = directory.write("1.toml", "version = 1\n[defaults]\nmax_sessionz = 3\nidle_timeout = 3\n");
    const std::string two = directory.write("2.toml", "version = 1\n[defaults]\nmode = \"loud\"\n");
    const Outcome outcome = checked(of_files({one, two}));
    EXPECT(outcome.exit == Exit::failed, "exit");
    EXPECT(contains(outcome.printed, one + ":3:1: error: ") && contains(outcome.printed, one + ":4:") &&
               contains(outcome.printed, two + ":3:") && contains(outcome.printed, "^"),
           outcome.printed);
    EXPECT(outcome.printed.ends_with("2 files checked: 3 errors.\n"), outcome.printed);
}

SESSLIMIT_TEST(check_files_independently) {
    const TemporaryDirectory directory;
    const std::string rule = "version = 1\n[[rule]]\nname = \"r\"\nmatch.user = \"a\"\nmax_sessions = 1\n";
    const std::vector<std::string> files{directory.write("1.toml", rule), directory.write("2.toml", rule)};
    EXPECT(checked(of_files(files)).exit == Exit::ok, "two rules of the same name in separate files");
}

SESSLIMIT_TEST(check_warns_of_fleet_limit_without_fleetd) {
    const TemporaryDirectory directory;
    const std::string policy = directory.write("policy.toml", "version = 1\n[defaults]\nmax_sessions_fleet = 3\n"
                                                              "[[rule]]\nname = \"r\"\nmatch.user = \"a\"\n"
                                                              "max_sessions_fleet = \"unlimited\"\n");
    CheckRequest request = of_directory(directory.path());
    request.fleet_files = {(directory.path() / "fleet.toml").string(), (directory.path() / "socket").string()};
    const Outcome without = checked(request);
    EXPECT(without.exit == Exit::ok, "a warning only");
    EXPECT(contains(without.printed, policy + ":3:1: warning: max_sessions_fleet requires sesslimit-fleetd") &&
               without.printed.ends_with("1 file checked: no error, 1 warning.\n"),
           without.printed);
    directory.write("fleet.toml", "");
    EXPECT_TEXT(checked(request).printed, "1 file checked: no error.\n");
}

SESSLIMIT_TEST(check_directory_as_daemon_reads_it) {
    const TemporaryDirectory directory;
    const std::string policy = directory.write("policy.toml", "version = 1\n");
    const std::string managed = directory.write("managed.d/1.toml", "version = 1\n[defaults]\nmax_sessions = -1\n");
    directory.write("policy.d/.hidden.toml", "nonsense");
    const Outcome outcome = checked(of_directory(directory.path()));
    EXPECT(outcome.exit == Exit::failed, "exit");
    EXPECT(contains(outcome.printed, managed + ":3:") && outcome.printed.ends_with("2 files checked: 1 error.\n"),
           outcome.printed);
}

SESSLIMIT_TEST(check_missing_directory_fails) {
    const TemporaryDirectory directory;
    const Outcome missing = checked(of_directory(directory.path() / "nowhere"));
    EXPECT(missing.exit == Exit::failed && contains(missing.complaints, "nowhere: No such file or directory"),
           missing.complaints);
    const Outcome file = checked(of_directory(directory.write("file", "")));
    EXPECT(file.exit == Exit::failed && contains(file.complaints, "Not a directory"), file.complaints);
    const Outcome empty = checked(of_directory(directory.path()));
    EXPECT(empty.exit == Exit::ok && contains(empty.printed, "No policy file in "), empty.printed);
}

SESSLIMIT_TEST(check_missing_file_fails) {
    const Outcome outcome = checked(of_files({"/nonexistent/a.toml"}));
    EXPECT(outcome.exit == Exit::failed && contains(outcome.printed, "/nonexistent/a.toml: error: "), outcome.printed);
}

SESSLIMIT_TEST(check_json_matches_schema) {
    const TemporaryDirectory directory;
    const std::string file = directory.write("1.toml", "version = 1\n[defaults]\nmax_sessions = \"\033\"\n");
    const Outcome outcome = checked(of_files({file}), Json::compact);
    EXPECT(outcome.exit == Exit::failed, "exit");
    EXPECT_TEXT(document_problem("check.json", outcome.printed), "");
    EXPECT(outcome.printed.find('\033') == std::string::npos && contains(outcome.printed, "\"error\""),
           outcome.printed);
    EXPECT_TEXT(checked(of_files({}), Json::compact).printed.substr(0, 1), "[");
}

} // namespace
