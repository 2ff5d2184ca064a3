// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace sesslimit::test {

/// Checks `value` against a JSON schema. Returns the first violation, or an empty text. Supports the keywords used in
/// docs/schema: type, enum, const, properties, required, additionalProperties: false, items, minimum, minLength, anyOf,
/// and $ref into #/$defs. Other keywords are reported as violations, so that a schema is never satisfied because a
/// keyword is unknown.
std::string schema_problem(const nlohmann::json& schema, const nlohmann::json& value);

/// Checks a JSON text against a file of docs/schema, such as "sessions.json".
std::string document_problem(const std::string& file, std::string_view text);

/// Reads docs/schema/FILE.
nlohmann::json read_schema(const std::string& file);

} // namespace sesslimit::test
