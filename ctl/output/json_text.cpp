// SPDX-License-Identifier: MIT
#include "ctl/output/json_text.hpp"

#include "common/text.hpp"

namespace sesslimit::ctl {

std::string json_text(const nlohmann::ordered_json& value, Json json) {
    constexpr auto broken = nlohmann::ordered_json::error_handler_t::replace;
    return escape_json_for_display(value.dump(json == Json::pretty ? 4 : -1, ' ', false, broken)) + "\n";
}

} // namespace sesslimit::ctl
