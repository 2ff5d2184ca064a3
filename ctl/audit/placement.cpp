// SPDX-License-Identifier: MIT
#include "ctl/audit/placement.hpp"

#include "common/text.hpp"
#include "ctl/audit/pam.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string>

namespace sesslimit::audit {
namespace {

constexpr std::size_t max_named = 4;

/// PAM services whose logins need a logind session. Other services, such as cron, may work without pam_systemd, and
/// files that other services include also appear as services.
constexpr std::array services_with_logind = {std::string_view("cockpit"), std::string_view("gdm-password"),
                                             std::string_view("lightdm"), std::string_view("login"),
                                             std::string_view("remote"),  std::string_view("sddm"),
                                             std::string_view("sshd")};

enum class Misplacement : std::uint8_t { behind, ignored, goes_on, substack, no_systemd };

/// One kind of misplacement of pam_sesslimit.so, and the PAM services in which the same configuration lines cause it.
struct Case {
    Misplacement kind;
    std::vector<Line> at;
    std::vector<std::string> services;
};

using Modules = std::vector<PamModule>;

Modules::const_iterator find(const Modules& modules, std::string_view name) {
    return std::ranges::find(modules, name, &PamModule::name);
}

/// Returns true if a denial by the module `inner` also prevents the module `other` from running. A denial ends only the
/// innermost substack around `inner`, so that `other` must be in the same substack.
bool ends_with_it(const PamModule& inner, const PamModule& other) {
    return inner.substacks.empty() ||
           std::ranges::find(other.substacks, inner.substacks.back()) != other.substacks.end();
}

std::optional<Misplacement> misplacement(const PamModule& ours, const PamModule* systemd, const std::string& service) {
    const Denial denial = denial_by(ours.control);
    if (denial == Denial::ignored) {
        return Misplacement::ignored;
    }
    if (systemd == nullptr) {
        const bool needs_it = std::ranges::find(services_with_logind, service) != services_with_logind.end();
        return needs_it ? std::optional(Misplacement::no_systemd) : std::nullopt;
    }
    if (denial == Denial::fails) {
        return Misplacement::goes_on;
    }
    return ends_with_it(ours, *systemd) ? std::nullopt : std::optional(Misplacement::substack);
}

void judge(const PamStack& stack, std::vector<Case>& cases) {
    const auto ours = find(stack.modules, our_module);
    const auto systemd = find(stack.modules, "pam_systemd.so");
    if (ours == stack.modules.end()) {
        return;
    }
    const bool has_systemd = systemd != stack.modules.end();
    const bool behind = has_systemd && systemd < ours;
    const auto kind = behind ? std::optional(Misplacement::behind)
                             : misplacement(*ours, has_systemd ? &*systemd : nullptr, stack.service);
    if (!kind) {
        return;
    }
    Case found{*kind, {ours->at}, {stack.service}};
    if (has_systemd) {
        found.at.push_back(systemd->at);
    }
    const auto same =
        std::ranges::find_if(cases, [&](const Case& one) { return one.kind == found.kind && one.at == found.at; });
    if (same == cases.end()) {
        cases.push_back(std::move(found));
    } else {
        same->services.push_back(stack.service);
    }
}

/// Returns the names of up to four services and the number of the others: "login, sshd, su, sudo and 3 more".
std::string named(const std::vector<std::string>& services) {
    std::string text;
    for (std::size_t at = 0; at < std::min(services.size(), max_named); ++at) {
        text += (at == 0 ? "" : ", ") + escape_for_display(services[at], 64);
    }
    return services.size() <= max_named ? text : text + " and " + std::to_string(services.size() - max_named) + " more";
}

std::string warning_of(const Case& one) {
    constexpr std::string_view control =
        " Replace the control field of the line of pam_sesslimit.so with "
        "[success=ok new_authtok_reqd=ok ignore=ignore module_unknown=ignore default=die].";
    const std::string stack = " in the session stack of " + named(one.services);
    switch (one.kind) {
    case Misplacement::behind:
        return "pam_sesslimit.so comes after pam_systemd.so" + stack +
               ". A denied login has therefore already opened a logind session and started a user manager. "
               "Move the line of pam_sesslimit.so before the line of pam_systemd.so.";
    case Misplacement::ignored:
        return "PAM ignores denials by pam_sesslimit.so" + stack + "." + std::string(control);
    case Misplacement::goes_on:
        return "PAM runs pam_systemd.so although pam_sesslimit.so has denied the login" + stack + "." +
               std::string(control);
    case Misplacement::substack:
        return "PAM runs pam_systemd.so although pam_sesslimit.so has denied the login" + stack +
               ". A denial in a substack ends only the substack and not the stack that includes it. "
               "Put the line of pam_sesslimit.so before the line of pam_systemd.so in the same file, "
               "or use include instead of substack.";
    case Misplacement::no_systemd:
        return "pam_systemd.so is missing" + stack +
               ". logind therefore has no session for these logins. sesslimit terminates such a session by signals to "
               "its login process and the children of that process, and other processes of the session continue to "
               "run. Add 'session optional pam_systemd.so' after the line of pam_sesslimit.so.";
    }
    return {};
}

} // namespace

std::vector<Warning> warnings_about_placement(const std::vector<PamStack>& stacks) {
    std::vector<Case> cases;
    for (const PamStack& stack : stacks) {
        judge(stack, cases);
    }
    std::vector<Warning> warnings;
    std::ranges::transform(cases, std::back_inserter(warnings),
                           [](const Case& one) { return Warning{warning_of(one), one.at}; });
    return warnings;
}

} // namespace sesslimit::audit
