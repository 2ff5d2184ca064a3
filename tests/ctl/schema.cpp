// SPDX-License-Identifier: MIT
#include "tests/ctl/schema.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <set>

namespace sesslimit::test {
namespace {

using nlohmann::json;

bool has_type(const json& value, const std::string& type) {
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
           (type == "integer" && value.is_number_integer()) || (type == "null" && value.is_null());
}

bool has_any_type(const json& value, const json& types) {
    return types.is_array() ? std::ranges::any_of(types, [&](const json& type) { return has_type(value, type); })
                            : has_type(value, types);
}

class Checker {
  public:
    explicit Checker(const json& root) : root_(root) {}

    std::string problem(const json& schema, const json& value, const std::string& at) const {
        for (const auto& [word, demand] : schema.items()) {
            if (const std::string found = problem_with(word, demand, schema, value, at); !found.empty()) {
                return found;
            }
        }
        return {};
    }

  private:
    std::string problem_with(const std::string& word, const json& demand, const json& schema, const json& value,
                             const std::string& at) const {
        static const std::set<std::string> said_only{"$schema", "$id", "$defs", "title", "description"};
        const auto unless = [&](bool holds) { return holds ? "" : at + ": " + value.dump() + " violates " + word; };
        if (said_only.contains(word)) {
            return {};
        }
        if (word == "$ref") {
            return problem(root_.at(json::json_pointer(demand.get<std::string>().substr(1))), value, at);
        }
        if (word == "type") {
            return unless(has_any_type(value, demand));
        }
        if (word == "enum") {
            return unless(std::ranges::find(demand, value) != demand.end());
        }
        if (word == "const") {
            return unless(value == demand);
        }
        if (word == "minimum") {
            return unless(!value.is_number() || value >= demand);
        }
        if (word == "minLength") {
            return unless(!value.is_string() || value.get<std::string>().size() >= demand.get<std::size_t>());
        }
        if (word == "anyOf") {
            return unless(
                std::ranges::any_of(demand, [&](const json& one) { return problem(one, value, at).empty(); }));
        }
        return problem_inside(word, demand, schema, value, at);
    }

    std::string problem_inside(const std::string& word, const json& demand, const json& schema, const json& value,
                               const std::string& at) const {
        if (word == "items") {
            return items_problem(demand, value, at);
        }
        if (word == "required") {
            return missing(demand, value, at);
        }
        if (word == "properties") {
            return properties_problem(demand, value, at);
        }
        if (word == "additionalProperties" && demand == false) {
            return unknown_member(schema.at("properties"), value, at);
        }
        return "unsupported schema keyword " + word;
    }

    std::string items_problem(const json& demand, const json& value, const std::string& at) const {
        for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
            const std::string found = problem(demand, value[i], at + "/" + std::to_string(i));
            if (!found.empty()) {
                return found;
            }
        }
        return {};
    }

    std::string properties_problem(const json& demand, const json& value, const std::string& at) const {
        for (const auto& [name, inner] : demand.items()) {
            if (!value.is_object() || !value.contains(name)) {
                continue;
            }
            if (const std::string found = problem(inner, value.at(name), at + "/" + name); !found.empty()) {
                return found;
            }
        }
        return {};
    }

    static std::string missing(const json& names, const json& value, const std::string& at) {
        for (const json& name : names) {
            if (value.is_object() && !value.contains(name.get<std::string>())) {
                return at + " lacks " + name.get<std::string>();
            }
        }
        return {};
    }

    static std::string unknown_member(const json& properties, const json& value, const std::string& at) {
        if (!value.is_object()) {
            return {};
        }
        for (const auto& [name, inner] : value.items()) {
            if (!properties.contains(name)) {
                return at + " has " + name + ", which is not in the schema";
            }
        }
        return {};
    }

    const json& root_;
};

} // namespace

std::string schema_problem(const json& schema, const json& value) {
    return Checker(schema).problem(schema, value, "");
}

std::string document_problem(const std::string& file, std::string_view text) {
    const json value = json::parse(text, nullptr, false);
    return value.is_discarded() ? "invalid JSON: " + std::string(text) : schema_problem(read_schema(file), value);
}

json read_schema(const std::string& file) {
    std::ifstream stream(std::string(SESSLIMIT_SCHEMA_DIR "/") + file);
    return json::parse(stream);
}

} // namespace sesslimit::test
