// SPDX-License-Identifier: MIT
// Arguments of the module in a PAM service file, one per line. An empty line is a null pointer.
#include "pam/arguments.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <vector>

#include <sys/un.h>

namespace sesslimit::fuzz {

void one_input(std::span<const std::uint8_t> bytes) {
    std::vector<std::string> texts;
    for (Input input(bytes); !input.empty();) {
        const std::string_view part = input.part('\n');
        texts.emplace_back(part.substr(0, part.find('\0')));
    }
    std::vector<const char*> pointers;
    std::ranges::transform(texts, std::back_inserter(pointers),
                           [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); });
    const pam::Arguments read = pam::parse_arguments(pointers);
    must(read.timeout >= std::chrono::milliseconds(1) && read.timeout <= std::chrono::hours(1),
         "the timeout is within its bounds");
    must(read.on_error == pam::OnError::allow || std::ranges::find(texts, "on_error=deny") != texts.end(),
         "deny is set only by on_error=deny");
    must(!read.quiet || std::ranges::find(texts, "quiet") != texts.end(), "quiet is set only by an argument");
    must(!read.debug || std::ranges::find(texts, "debug") != texts.end(), "debug is set only by an argument");
    must(read.socket[0] == '/' && std::strlen(read.socket) < sizeof(sockaddr_un::sun_path), "the socket path is valid");
    must(read.ignored_count <= texts.size(), "no argument is ignored twice");
    for (std::size_t at = 0; at < std::min(read.ignored_count, read.ignored.size()); ++at) {
        must(std::ranges::find(pointers, read.ignored[at]) != pointers.end(), "an ignored text is an argument");
    }
    // The last valid value wins. Therefore defaults in front change nothing.
    std::vector<const char*> more{"timeout=2s", "on_error=allow"};
    more.insert(more.end(), pointers.begin(), pointers.end());
    const pam::Arguments again = pam::parse_arguments(more);
    must(again.timeout == read.timeout && again.on_error == read.on_error && again.ignored_count == read.ignored_count,
         "an earlier value is replaced");
}

} // namespace sesslimit::fuzz
