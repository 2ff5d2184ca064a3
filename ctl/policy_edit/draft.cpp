// SPDX-License-Identifier: MIT
#include "ctl/policy_edit/draft.hpp"

#include "ctl/policy_edit/tree.hpp"

#include <algorithm>

namespace sesslimit::policy_edit {
namespace {

using policy::Entry;
using policy::Node;

/// Maximum number of parsed variants of one entry when its comments are searched. The bound limits the time for a file
/// with very many number signs.
constexpr std::size_t max_probes = 500;

constexpr std::size_t max_equals_signs = 100;

std::optional<Node> parsed(std::string_view text) {
    auto document = policy::parse_document(text, policy::lines_of(text));
    return document ? std::optional(*std::move(document)) : std::nullopt;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

std::string_view without_line_end(std::string_view line) {
    if (line.ends_with('\n')) {
        line.remove_suffix(1);
        line.remove_suffix(line.ends_with('\r') ? 1 : 0);
    }
    return line;
}

std::string_view line_end(std::string_view line) {
    return line.substr(without_line_end(line).size());
}

/// Appends the lines at which the entries of a table start, and those of the tables in it.
void add_starts(const Node& table, std::vector<std::uint32_t>& starts) {
    for (const Entry& entry : table.entries) {
        starts.push_back(entry.value.at.line);
        add_starts(entry.value, starts);
    }
    // The items of an array of values are part of their entry. Only tables start on a line of their own.
    for (const Node& item : table.items) {
        if (item.kind == Node::Kind::table) {
            starts.push_back(item.at.line);
            add_starts(item, starts);
        }
    }
}

/// Returns the offset of the equals sign after the key of a line, or npos. Every equals sign before it is inside a
/// quoted key, so that the text up to this sign is not a valid key. At most max_equals_signs are tried.
std::size_t equals_sign(std::string_view line) {
    std::size_t tried = 0;
    for (std::size_t at = line.find('='); at != line.npos && tried < max_equals_signs; at = line.find('=', at + 1)) {
        ++tried;
        if (parsed(std::string(line.substr(0, at)) + "=0")) {
            return at;
        }
    }
    return line.npos;
}

} // namespace

Edited<Draft> Draft::parse(std::string_view text) {
    Draft draft;
    draft.lines_ = split(text);
    if (auto done = draft.update(); !done) {
        return std::unexpected(std::move(done.error()));
    }
    return draft;
}

std::string Draft::text() const {
    std::string all;
    for (const std::string& line : lines_) {
        all += line;
    }
    return all;
}

std::uint32_t Draft::size() const {
    return static_cast<std::uint32_t>(lines_.size());
}

std::string_view Draft::line(std::uint32_t number) const {
    return number == 0 || number > lines_.size() ? std::string_view() : without_line_end(lines_[number - 1]);
}

Edited<> Draft::update() {
    const std::string all = text();
    auto document = policy::parse_document(all, policy::lines_of(all));
    if (!document) {
        return std::unexpected(EditError{document.error().at.line, std::move(document.error().what)});
    }
    contents_ = *std::move(document);
    starts_.clear();
    add_starts(contents_, starts_);
    std::ranges::sort(starts_);
    return {};
}

std::vector<std::string> Draft::path_at(std::uint32_t number) const {
    const std::string_view whole = line(number);
    const std::size_t end = equals_sign(whole);
    std::vector<std::string> path;
    if (end == whole.npos) {
        return path;
    }
    const auto document = parsed(std::string(whole.substr(0, end)) + "=0");
    for (const Node* node = document ? &*document : nullptr; node != nullptr && node->entries.size() == 1;
         node = &node->entries.front().value) {
        path.push_back(node->entries.front().key);
    }
    return path;
}

std::uint32_t Draft::next_start(std::uint32_t number) const {
    const auto next = std::ranges::upper_bound(starts_, number);
    return next == starts_.end() ? size() + 1 : *next;
}

std::uint32_t Draft::end_of_entry(std::uint32_t number) const {
    std::uint32_t low = number;
    std::uint32_t high = std::max(next_start(number), number + 1) - 1;
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        if (parsed(joined(number, middle))) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

std::string Draft::joined(std::uint32_t first, std::uint32_t last) const {
    std::string all;
    for (std::uint32_t number = first; number <= last; ++number) {
        all += line(number);
        all += '\n';
    }
    return all;
}

Edited<std::optional<Draft::Comment>> Draft::comment_of(std::uint32_t number, std::uint32_t first, std::uint32_t last,
                                                        std::size_t from, std::size_t& probes) const {
    const std::string_view whole = line(number);
    std::optional<Node> value;
    for (std::size_t at = whole.find('#', from); at != whole.npos; at = whole.find('#', at + 1)) {
        if (++probes > max_probes) {
            return std::unexpected(EditError{first, "the value has too many number signs to keep its comments"});
        }
        if (!value) {
            value = parsed(joined(first, last));
        }
        const std::string before = number > first ? joined(first, number - 1) : std::string();
        const std::string after = number < last ? joined(number + 1, last) : std::string();
        std::string shorter = before;
        shorter += whole.substr(0, at);
        shorter += '\n';
        shorter += after;
        const auto shortened = parsed(shorter);
        if (value && shortened && same(*value, *shortened)) {
            return Comment{at, std::string(whole.substr(at))};
        }
    }
    return std::nullopt;
}

Edited<> Draft::replace_value(std::uint32_t number, std::string_view value) {
    const std::uint32_t last = end_of_entry(number);
    const std::string_view head = line(number);
    const std::size_t sign = equals_sign(head);
    if (sign == head.npos) {
        return std::unexpected(EditError{number, "expected a key and a value on this line"});
    }
    const std::size_t value_at = std::min(head.find_first_not_of(" \t", sign + 1), head.size());
    const std::string indentation(head.substr(0, head.find_first_not_of(" \t")));

    std::size_t probes = 0;
    std::vector<std::string> changed;
    std::string tail;
    for (std::uint32_t at = number; at <= last; ++at) {
        const auto comment = comment_of(at, number, last, at == number ? value_at : 0, probes);
        if (!comment) {
            return std::unexpected(comment.error());
        }
        if (*comment && at < last) {
            changed.push_back(indentation + (*comment)->text);
        } else if (*comment) {
            const std::string_view before = line(at).substr(0, (*comment)->at);
            const std::size_t blanks = before.size() - (before.find_last_not_of(" \t") + 1);
            tail = std::string(before.substr(before.size() - blanks)) + (*comment)->text;
        }
    }
    changed.push_back(std::string(head.substr(0, value_at)) + std::string(value) + tail);
    const std::string ends(line_end(lines_[last - 1]));
    const std::string inner_end(line_end(lines_[number - 1]));
    for (std::string& one : changed) {
        one += &one == &changed.back() ? ends : inner_end;
    }
    const auto begin = lines_.begin() + number - 1;
    const auto at = lines_.erase(begin, begin + (last - number + 1));
    lines_.insert(at, changed.begin(), changed.end());
    return {};
}

void Draft::insert(std::uint32_t number, const std::vector<std::string>& lines) {
    const std::string first_end(lines_.empty() ? std::string_view() : line_end(lines_.front()));
    const std::string ending = first_end.empty() ? "\n" : first_end;
    if (number > size() && !lines_.empty() && line_end(lines_.back()).empty()) {
        lines_.back() += ending;
    }
    std::vector<std::string> added;
    added.reserve(lines.size());
    for (const std::string& line : lines) {
        added.push_back(line + ending);
    }
    lines_.insert(lines_.begin() + (number - 1), added.begin(), added.end());
}

void Draft::erase(std::uint32_t first, std::uint32_t last) {
    lines_.erase(lines_.begin() + (first - 1), lines_.begin() + last);
}

} // namespace sesslimit::policy_edit
