// SPDX-License-Identifier: MIT
#include "tests/ctl/schema.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <nlohmann/json.hpp>

#include <string_view>

// Tests the schema checker that other tests use. A checker that accepts everything would be worthless.

using namespace sesslimit::test;
using nlohmann::json;

namespace {

SESSLIMIT_TEST(violation_of_each_keyword_detected) {
    struct Case {
        const char* schema;
        const char* holds;
        const char* breaks;
    };
    constexpr Case cases[] = {
        {R"({"type": "object"})", "{}", "[]"},
        {R"({"type": "array"})", "[]", "{}"},
        {R"({"type": "integer"})", "3", "3.5"},
        {R"({"type": "boolean"})", "true", "1"},
        {R"({"type": ["string", "null"]})", "null", "0"},
        {R"({"enum": ["a", null]})", "null", R"("b")"},
        {R"({"const": 3})", "3", "4"},
        {R"({"minimum": 0})", "0", "-1"},
        {R"({"minLength": 1})", R"("a")", R"("")"},
        {R"({"items": {"type": "string"}})", R"(["a"])", R"(["a", 1])"},
        {R"({"required": ["a"]})", R"({"a": 1})", "{}"},
        {R"({"properties": {"a": {"type": "string"}}})", R"({"a": ""})", R"({"a": 1})"},
        {R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"a": 1})", R"({"b": 1})"},
        {R"({"anyOf": [{"type": "null"}, {"type": "string"}]})", "null", "1"},
        {R"({"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}})", "null", "1"},
    };
    for (const Case& one : cases) {
        const json schema = json::parse(one.schema);
        EXPECT_TEXT(schema_problem(schema, json::parse(one.holds)), "");
        EXPECT(!schema_problem(schema, json::parse(one.breaks)).empty(), one.schema);
    }
}

SESSLIMIT_TEST(unknown_keyword_never_satisfied) {
    EXPECT(!schema_problem(json::parse(R"({"pattern": "x"})"), json("x")).empty(), "pattern");
    EXPECT(!schema_problem(json::parse(R"({"additionalProperties": {"type": "null"}})"), json::object()).empty(),
           "open");
}

SESSLIMIT_TEST(every_schema_rejects_incomplete_document) {
    for (const char* file : {"sessions.json", "explain.json", "status.json", "check.json", "watch.json", "audit.json",
                             "set.json", "settings.json", "rules.json", "defaults.json", "fleet-sessions.json",
                             "fleet-hosts.json", "fleet-status.json", "fleet-ended.json"}) {
        const json schema = read_schema(file);
        const json wrong = schema["type"] == "array" ? json::parse("[{}]") : json::object();
        EXPECT(!schema_problem(schema, wrong).empty(), file);
        EXPECT(schema.contains("description"), file);
    }
}

} // namespace
