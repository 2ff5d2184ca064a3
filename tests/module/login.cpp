// SPDX-License-Identifier: MIT
#include "tests/module/login.hpp"

#include <security/pam_ext.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace sesslimit::test {
namespace {

std::vector<LogLine>& lines() {
    static std::vector<LogLine> kept;
    return kept;
}

} // namespace

const std::vector<LogLine>& log_lines() {
    return lines();
}

void clear_log() {
    lines().clear();
}

bool logged(int priority, std::string_view part) {
    return std::ranges::any_of(lines(), [&](const LogLine& line) {
        return line.priority == priority && line.text.find(part) != std::string::npos;
    });
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

Login::Login(const std::string& socket, const std::string& arguments, const char* user, const std::string& service) {
    std::ofstream(dir_.file(service)) << "session required " SESSLIMIT_MODULE " socket=" << socket << " " << arguments
                                      << "\n";
    // libpam logs an error if it does not exist.
    std::ofstream(dir_.file("other")) << "# nothing\n";
    const pam_conv conversation{.conv = &converse, .appdata_ptr = this};
    if (pam_start_confdir(service.c_str(), user, &conversation, dir_.path().c_str(), &handle_) != PAM_SUCCESS) {
        throw std::runtime_error("pam_start_confdir failed");
    }
}

Login::~Login() {
    pam_end(handle_, PAM_SUCCESS);
}

void Login::set(int item, const std::string& value) {
    if (pam_set_item(handle_, item, value.c_str()) != PAM_SUCCESS) {
        throw std::runtime_error("pam_set_item failed");
    }
}

void Login::put(const std::string& variable) {
    if (pam_putenv(handle_, variable.c_str()) != PAM_SUCCESS) {
        throw std::runtime_error("pam_putenv failed");
    }
}

int Login::converse(int count, const pam_message** messages, pam_response** responses, void* login) {
    std::string& said = static_cast<Login*>(login)->said_;
    for (int index = 0; index < count; ++index) {
        said += said.empty() ? "" : "|";
        said += messages[index]->msg_style == PAM_ERROR_MSG ? "error: " : "info: ";
        said += messages[index]->msg;
    }
    // The caller frees it (pam_conv(3)).
    *responses = static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
    return *responses != nullptr ? PAM_SUCCESS : PAM_BUF_ERR;
}

} // namespace sesslimit::test

extern "C" [[gnu::visibility("default")]] void pam_syslog(const pam_handle_t*, int priority, const char* format, ...) {
    std::array<char, 1024> text{};
    va_list arguments;
    va_start(arguments, format);
    (void)std::vsnprintf(text.data(), text.size(), format, arguments);
    va_end(arguments);
    sesslimit::test::lines().push_back({priority, text.data()});
}
