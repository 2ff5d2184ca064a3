// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/backend.hpp"
#include "daemon/api/view.hpp"
#include "daemon/policy/explain.hpp"

#include <systemd/sd-bus.h>

#include <cstddef>
#include <string>
#include <vector>

/// Conversions between values and D-Bus messages. Each function returns a negative errno value on failure.
namespace sesslimit::api {

/// Maximum length of a text argument in bytes.
inline constexpr std::size_t max_argument_length = 256;

/// Appends a{sv}.
int append(sd_bus_message* m, const Properties& properties);

/// Appends as.
int append(sd_bus_message* m, const std::vector<std::string>& texts);

/// Appends a(sssssu).
int append(sd_bus_message* m, const std::vector<policy::ExplainedSetting>& settings);

/// Appends the reply of the D-Bus method Explain, which has the types b s a(sssssu) a(ssssub) s.
int append(sd_bus_message* m, const policy::Explanation& explanation, const std::string& outcome);

/// Reads one string of at most max_argument_length bytes. Errors: -E2BIG if the string is longer, -EINVAL if it is
/// empty or if the next value is not a string.
int read_text(sd_bus_message* m, std::string& out);

/// Reads an array of at most `most` strings, each of at most max_argument_length bytes. Errors: -E2BIG if there are
/// more or longer strings, -EINVAL if the next value is not an array of strings.
int read_texts(sd_bus_message* m, std::size_t most, std::vector<std::string>& out);

/// Reads the argument of the D-Bus method Explain, a dictionary a{sv} with properties of a login. Describes an invalid
/// property in `problem`.
int read_explain_query(sd_bus_message* m, ExplainQuery& question, std::string& problem);

} // namespace sesslimit::api
