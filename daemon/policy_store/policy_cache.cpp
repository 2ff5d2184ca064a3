// SPDX-License-Identifier: MIT
#include "daemon/policy_store/policy_cache.hpp"

#include "daemon/atomic_file.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace sesslimit::policy_store {
namespace {

using nlohmann::json;

bool read_text(const json& entry, policy::SourceText& text) {
    if (!entry.is_object() || !entry.contains("path") || !entry.contains("managed") || !entry.contains("text") ||
        !entry["path"].is_string() || !entry["managed"].is_boolean() || !entry["text"].is_string()) {
        return false;
    }
    text.path = entry["path"].get<std::string>();
    text.tier = entry["managed"].get<bool>() ? policy::Tier::managed : policy::Tier::host;
    text.text = entry["text"].get<std::string>();
    return true;
}

} // namespace

Result<> save(const std::filesystem::path& file, const std::vector<policy::SourceText>& texts) {
    json all = json::array();
    for (const policy::SourceText& text : texts) {
        all.push_back({{"path", text.path}, {"managed", text.tier == policy::Tier::managed}, {"text", text.text}});
    }
    return replace_file(file, all.dump(-1, ' ', true, json::error_handler_t::replace));
}

Result<std::vector<policy::SourceText>> read(const std::filesystem::path& file) {
    std::vector<policy::SourceText> texts;
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return texts;
    }
    const json all = json::parse(in, nullptr, /*allow_exceptions=*/false);
    if (!all.is_array()) {
        return fail(file.string() + " is not a valid policy cache");
    }
    for (const json& entry : all) {
        if (!read_text(entry, texts.emplace_back())) {
            return fail(file.string() + " is not a valid policy cache");
        }
    }
    return texts;
}

std::size_t missing(const policy::Loaded& loaded) {
    return loaded.unresolved ? loaded.problems.size() : 0;
}

LoadResult load_or_fall_back(const std::filesystem::path& directory, const std::filesystem::path& file,
                             policy::Names& names) {
    LoadResult taken;
    const policy::ReadTexts found = policy::read_texts(directory);
    policy::Loaded loaded = policy::load_files(found, names);
    const std::size_t unresolved = missing(loaded);
    taken.problems = std::move(loaded.problems);
    if (loaded.policy) {
        taken.policy = *std::move(loaded.policy);
        taken.from = PolicyOrigin::files;
        taken.digest = policy::digest(found.texts);
        if (auto saved = save(file, found.texts); !saved) {
            taken.errors.push_back(saved.error());
        } else {
            // look_up_again() later looks up the missing users and groups of the policy in the policy cache. This is
            // possible only if the policy was written to the cache.
            taken.unresolved = unresolved;
        }
        return taken;
    }
    auto kept = read(file);
    if (!kept) {
        taken.errors.push_back(kept.error());
    } else if (!kept->empty()) {
        if (auto again = policy::load(*kept, names); again.policy) {
            taken.policy = *std::move(again.policy);
            taken.from = PolicyOrigin::cached;
            taken.digest = policy::digest(*kept);
            taken.unresolved = missing(again);
        }
    }
    return taken;
}

std::optional<policy::Loaded> look_up_again(const std::filesystem::path& file, policy::Names& names) {
    const auto texts = read(file);
    if (!texts || texts->empty()) {
        return std::nullopt;
    }
    policy::Loaded loaded = policy::load(*texts, names);
    return loaded.policy ? std::optional(std::move(loaded)) : std::nullopt;
}

} // namespace sesslimit::policy_store
