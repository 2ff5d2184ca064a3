// SPDX-License-Identifier: MIT
// Template text of `message`. The first line contains a limit and a value, the rest is the template.
#include "daemon/policy/template.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

namespace sesslimit::fuzz {
namespace {

using policy::expand;

constexpr auto& names = policy::message_placeholders;

std::string with_doubled_braces(std::string_view text) {
    std::string doubled;
    for (const char c : text) {
        doubled += std::string(c == '{' || c == '}' ? 2 : 1, c);
    }
    return doubled;
}

void faults_have_places(std::string_view text) {
    std::size_t before = 0;
    for (const policy::TemplateFault& fault : policy::faults_of(text, names)) {
        must(fault.at >= before && fault.at <= text.size(), "faults are sorted and within the text");
        must(fault.name.empty() || text.substr(fault.at).starts_with(fault.name), "an unknown name is at its position");
        must(std::ranges::find(names, fault.name) == names.end(), "and unknown");
        before = fault.at;
    }
}

void is_bounded(std::string_view text, const policy::TemplateValues& values, std::size_t limit) {
    const std::string whole = expand(text, values, SIZE_MAX);
    const std::string cut = expand(text, values, limit);
    must(cut.size() <= limit, "no longer than the limit");
    must(whole.size() > limit || cut == whole, "text that fits is not cut");
    must(!is_utf8(whole) || is_utf8(cut), "a character is kept whole or left out");
    const std::string_view kept =
        limit < 3 || cut == whole ? std::string_view(cut) : std::string_view(cut).substr(0, cut.size() - 3);
    must(whole.starts_with(kept), "a cut changes nothing else");
}

} // namespace

void one_input(std::span<const std::uint8_t> bytes) {
    Input input(bytes);
    const std::size_t limit = input.number<std::uint16_t>() % 2048;
    const std::string value(input.part('\n'));
    const std::string_view text = text_of(input.rest());
    policy::TemplateValues values;
    for (const std::string_view name : names) {
        values[name] = value;
    }
    faults_have_places(text);
    is_bounded(text, values, limit);
    is_bounded(text, {}, limit);
    must(policy::faults_of(with_doubled_braces(text), names).empty(), "doubled braces are not an error");
    must(expand(with_doubled_braces(text), values, SIZE_MAX) == text, "and expand to braces");
    must(text.find_first_of("{}") != text.npos || expand(text, values, SIZE_MAX) == text, "plain text is unchanged");
}

} // namespace sesslimit::fuzz
