// SPDX-License-Identifier: MIT
#include "tests/docs/page.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace sesslimit::test {
namespace {

bool is_one_of(std::string_view word, auto... words) {
    return ((word == words) || ...);
}

/// Returns true for macros that only change the appearance of their words.
bool is_font(std::string_view word) {
    return is_one_of(word, "Cm", "Li", "Ev", "Dv", "Pa", "Ql", "Xr", "Em", "Sy", "Va", "Ic", "Dq", "Pq");
}

/// Appends words with blanks in between, except after stand_close() and around punctuation.
class Line {
  public:
    void add(std::string_view word) {
        const bool close = close_ || text.empty() || is_one_of(word, ",", ".", ":", ")", "]", ";");
        text.append(close ? "" : " ").append(word);
        close_ = is_one_of(word, "[", "(");
    }
    void stand_close() { close_ = true; }
    std::string text;

  private:
    bool close_ = false;
};

std::string headed(std::string_view line) {
    for (const std::string_view macro : {".Sh ", ".Ss "}) {
        if (line.starts_with(macro)) {
            return std::string(line.substr(macro.size()));
        }
    }
    return {};
}

} // namespace

std::string rendered(std::string_view words) {
    std::istringstream in{std::string(words)};
    Line line;
    std::string dashes;
    std::size_t optional = 0; // optional parts to be closed at the end of the line
    bool argument = false;
    for (std::string word; in >> word;) {
        if (word == "Fl") {
            dashes += '-';
            argument = false;
        } else if (word == "Ar") {
            argument = true;
        } else if (word == "Ns") {
            line.stand_close();
            argument = false;
        } else if (is_font(word)) {
            argument = false;
        } else if (is_one_of(word, "Xo", "Xc")) {
            continue;
        } else if (is_one_of(word, "Op", "Oo")) {
            line.add("[");
            optional += static_cast<std::size_t>(word == "Op");
            argument = false;
        } else if (word == "Oc") {
            line.add("]");
        } else if (is_one_of(word, ",", "|", "...", ".", "=")) {
            line.add(word);
        } else {
            line.add(argument ? "<" + word + ">" : dashes + word);
            dashes.clear();
        }
    }
    for (; optional > 0; --optional) {
        line.add("]");
    }
    return line.text;
}

Page Page::read(const std::string& name) {
    std::istringstream in(read_source("man/" + name));
    Page page;
    for (std::string line; std::getline(in, line);) {
        page.lines_.push_back(line);
    }
    return page;
}

std::vector<Item> Page::items(std::string_view part) const {
    std::vector<Item> items;
    bool found = false;
    bool inside = false;
    bool is_section = false;
    bool head_goes_on = false; // from Xo to Xc
    int depth = 0;
    for (const std::string& line : lines_) {
        if (const std::string heading = headed(line); !heading.empty()) {
            const bool section = line.starts_with(".Sh");
            if (heading == part) {
                found = inside = true;
                is_section = section;
            } else if (section || !is_section) {
                inside = false;
            }
            continue;
        }
        if (!inside) {
            continue;
        }
        depth += line.starts_with(".Bl") ? 1 : line.starts_with(".El") ? -1 : 0;
        if (depth == 1 && line.starts_with(".It")) {
            items.push_back({line.substr(std::min<std::size_t>(line.size(), 4)), {}});
            head_goes_on = line == ".It Xo";
        } else if (head_goes_on) {
            items.back().head += line == ".Xc" ? "" : " " + line.substr(1);
            head_goes_on = line != ".Xc";
        } else if (!items.empty() && depth > 0) {
            items.back().text += line + '\n';
        }
    }
    if (!found) {
        throw std::runtime_error("no part " + std::string(part));
    }
    for (Item& item : items) {
        item.head = rendered(item.head);
    }
    return items;
}

bool Page::has_line(std::string_view line) const {
    return std::ranges::find(lines_, line) != lines_.end();
}

std::vector<std::string> words_that_begin(const std::string& head, std::string_view begin) {
    std::vector<std::string> words;
    std::istringstream in(head);
    for (std::string word; in >> word;) {
        word.erase(0, std::min(word.find_first_not_of("["), word.size()));
        word.erase(std::min(word.find_first_of(",]="), word.size()));
        if (word.starts_with(begin)) {
            words.push_back(word);
        }
    }
    return words;
}

std::string read_source(const std::string& path) {
    std::ifstream file(std::string(SESSLIMIT_SOURCE_DIR "/") + path);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    std::ostringstream text; // with stream buffer iterators, g++ 14 -O2 warns of null pointers
    text << file.rdbuf();
    return text.str();
}

} // namespace sesslimit::test
