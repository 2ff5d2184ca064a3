// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/backend.hpp"
#include "daemon/api/view.hpp"
#include "daemon/policy/explain.hpp"

#include <systemd/sd-bus.h>

#include <string>

/// Conversions between values and D-Bus messages. Each function returns a negative errno value on failure.
namespace sesslimit::api {

/// Maximum length of a text argument in bytes.
inline constexpr std::size_t max_argument_length = 256;

/// Appends a{sv}.
int append(sd_bus_message* m, const Properties& properties);

/// Appends b s a(sssssu) a(ssssub) s, the reply of Explain.
int append(sd_bus_message* m, const policy::Explanation& explanation, const std::string& outcome);

/// Reads one string of bounded length. Errors: -E2BIG if the string is too long, -EINVAL if it is empty or if the next
/// value is not a string.
int read_text(sd_bus_message* m, std::string& out);

/// Reads the a{sv} of Explain. Describes an error in `problem`.
int read_explain_query(sd_bus_message* m, ExplainQuery& question, std::string& problem);

} // namespace sesslimit::api
