// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace sesslimit::test {

/// What is wrong with `value` by a JSON schema, or an empty text. Knows the words that docs/schema uses (type, enum,
/// const, properties, required, additionalProperties: false, items, minimum, minLength, anyOf, $ref into #/$defs) and
/// complains of every other one: a schema must not hold because we do not know what it check.
std::string schema_problem(const nlohmann::json& schema, const nlohmann::json& value);

/// The same for a JSON text and a file of docs/schema, "sessions.json".
std::string document_problem(const std::string& file, std::string_view text);

/// docs/schema/FILE.
nlohmann::json read_schema(const std::string& file);

} // namespace sesslimit::test
