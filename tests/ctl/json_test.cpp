// SPDX-License-Identifier: MIT
#include "ctl/output/json.hpp"
#include "tests/ctl/fakes.hpp"
#include "tests/ctl/schema.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

using namespace sesslimit;
using namespace sesslimit::ctl;
using namespace sesslimit::test;
using nlohmann::json;

namespace {

SESSLIMIT_TEST(session_json_matches_schema) {
    Session bare = alices_session("k7");
    bare.origin = bare.scope = "";
    bare.max_duration = bare.idle_timeout = bare.duration_ends_at = bare.idle_ends_at = infinity;
    bare.idle_since = 0;
    Session full = alices_session();
    full.credential = "SHA256:abc";
    full.method = "publickey";
    full.remote_user = "";
    full.reach = TerminationPreview{.processes = 3,
                                    .commands = {"bash", "sshd", "tmux: server"},
                                    .kept = {"tmux: server"},
                                    .keep = {"tmux"},
                                    .other_units = {},
                                    .lingers = false};
    bare.last_activity = "";
    const std::string text = json_of(std::vector{bare, full}, Json::compact);
    EXPECT_TEXT(document_problem("sessions.json", text), "");
    const json sessions = json::parse(text);
    EXPECT(sessions[0]["max_duration"].is_null() && sessions[0]["idle_since"].is_null(), "null if there is no value");
    EXPECT(!sessions[0].contains("credential"), "absent if it is not reported");
    EXPECT(sessions[1]["credential"] == "SHA256:abc" && sessions[1]["remote_user"].is_null(), "reported");
    EXPECT(!sessions[0].contains("processes") && sessions[0]["last_activity"].is_null(), "not inspected");
    EXPECT(sessions[1]["processes"] == 3 && sessions[1]["commands"].size() == 3 && sessions[1]["keep"][0] == "tmux" &&
               sessions[1]["kept"][0] == "tmux: server" && sessions[1]["other_units"].empty() &&
               !sessions[1]["lingers"],
           "processes affected by its end");
    EXPECT(sessions[1]["duration_ends_at"] == noon + 6 * hour, "microseconds");
    EXPECT(std::ranges::count(text, '\n') == 1, "one line");
    EXPECT_TEXT(json_of(std::vector<Session>{}, Json::compact), "[]\n");
}

SESSLIMIT_TEST(pretty_json_equals_compact_json) {
    const std::vector sessions{alices_session()};
    const std::string pretty = json_of(sessions, Json::pretty);
    EXPECT(json::parse(pretty) == json::parse(json_of(sessions, Json::compact)), pretty);
    EXPECT(std::ranges::count(pretty, '\n') > 10, pretty);
}

SESSLIMIT_TEST(explain_and_status_json_match_schema) {
    const ExplainQuery question{.user = "al\xffice",
                                .groups = {"wheel"},
                                .service = "sshd",
                                .origin = {},
                                .method = {},
                                .credential = {},
                                .seat = {}};
    const Explanation explanation{
        .counts = true,
        .why = "",
        .settings = {{"max_sessions", "1", "host", "", "/p", 3}, {"mode", "enforce", "", "", "", 0}},
        .rules = {{"host", "r", "/p", "max_sessions = 1", 3, true}},
        .outcome = "would be admitted"};
    EXPECT_TEXT(document_problem("explain.json", json_of(question, explanation, Json::pretty)), "");
    const Enforcement good;
    const Enforcement bad{Selinux::enforcing,
                          "initrc_t",
                          {.source = UncountedLogins::Source::journal,
                           .since = noon - hour,
                           .count = 1,
                           .last = UncountedLogin{noon, "alice", "cannot connect to the daemon"}}};
    EXPECT_TEXT(document_problem("status.json", json_of({"0.2.0", "files", noon, 3, true}, PolicyFiles::changed, bad,
                                                        noon, Json::pretty)),
                "");
    EXPECT_TEXT(document_problem("status.json", json_of({"0.2.0", "none", 0, 0, false}, PolicyFiles::unknown, good,
                                                        noon, Json::compact)),
                "");
    const std::string text = json_of({"0.2.0", "none", 0, 0, false}, PolicyFiles::same, bad, noon, Json::compact);
    EXPECT(text.find(R"("selinux":"enforcing","domain":"initrc_t","uncounted":{"since":)" +
                     std::to_string(noon - hour) + R"(,"count":1,"complete":true,"last":{"at":)" +
                     std::to_string(noon) +
                     R"(,"user":"alice","reason":"cannot connect to the daemon"}},"warnings":["SELinux is )") !=
               std::string::npos,
           text);
    EXPECT(json_of({"0.2.0", "none", 0, 0, false}, PolicyFiles::unknown, good, noon, Json::compact)
                   .find(R"("selinux":"off","domain":null,"uncounted":null,"warnings":[])") != std::string::npos,
           "unknown is null, not zero");
}

SESSLIMIT_TEST(case_D10_json_carries_names_unchanged) {
    for (const char* name : {"CORP\\alice", "J\xC3\xBCrgen", "a\n\033\x7F\xC2\x9B", "\xE2\x80\xAE\xF3\xA0\x80\xA1"}) {
        Session session = alices_session();
        session.user = name;
        const std::string text = json_of(std::vector{session}, Json::compact);
        EXPECT(json::parse(text)[0]["user"] == name, text);
        EXPECT(text.find_first_of("\033\x7F") == std::string::npos && text.find("\xC2\x9B") == std::string::npos, text);
    }
}

SESSLIMIT_TEST(check_json_matches_schema) {
    using policy::Problem;
    const std::vector<Problem> problems{{Problem::Severity::error, "/e/p.toml", 3, 7, "what", "line\t\033"},
                                        {Problem::Severity::warning, "/e/q.toml", 0, 0, "what", ""}};
    const std::string text = json_of(problems, Json::compact);
    EXPECT_TEXT(document_problem("check.json", text), "");
    EXPECT(json::parse(text)[0]["excerpt"] == "line\t\033", text);
    EXPECT(json::parse(text)[1]["line"].is_null(), text);
}

SESSLIMIT_TEST(watch_json_matches_schema) {
    Event event{.name = "warned", .at = noon, .session = alices_session(), .policy_state = {}, .left = 5 * minute};
    EXPECT_TEXT(document_problem("watch.json", json_of(event, Json::compact)), "");
    event = {.name = "policy-changed", .at = noon, .session = {}, .policy_state = "kept", .left = {}};
    const std::string text = json_of(event, Json::compact);
    EXPECT_TEXT(document_problem("watch.json", text), "");
    EXPECT(json::parse(text)["session"].is_null(), text);
}

} // namespace
