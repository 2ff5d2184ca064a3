// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/api/backend.hpp"
#include "daemon/api/view.hpp"
#include "daemon/policy/explain.hpp"

#include <systemd/sd-bus.h>

#include <string>

/// D-Bus messages from values, and values from D-Bus messages. Each returns an errno value below 0 where it fails.
namespace sesslimit::api {

/// Longest text that an argument may be.
inline constexpr std::size_t max_argument_length = 256;

/// Appends a{sv}.
int append(sd_bus_message* m, const Properties& properties);

/// Appends b s a(sssssu) a(ssssub) s: what Explain answers.
int append(sd_bus_message* m, const policy::Explanation& explanation, const std::string& outcome);

/// Reads one text of bounded length. -E2BIG where it is longer, -EINVAL where it is empty or of another type.
int read_text(sd_bus_message* m, std::string& out);

/// Reads the a{sv} of Explain. What is wrong with it is said in `problem`.
int read_question(sd_bus_message* m, ExplainQuery& question, std::string& problem);

} // namespace sesslimit::api
