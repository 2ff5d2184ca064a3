// SPDX-License-Identifier: MIT
#include "ctl/commands/audit.hpp"

#include "common/duration.hpp"
#include "common/text.hpp"
#include "ctl/client/enforcement.hpp"
#include "ctl/output/report.hpp"
#include "daemon/host_config/files.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdint>
#include <filesystem>

namespace sesslimit::ctl {
namespace {

namespace fs = std::filesystem;

/// The policy of a host, and its files.
struct PolicyBelow {
    std::optional<policy::Policy> policy; ///< Absent if the policy has errors.
    bool is_complete = false;             ///< False if a file could not be read.
    PolicyEvidence evidence;
};

/// Loads the policy of a host whose root directory is `root`. In the loaded policy, the paths of files do not include
/// `root`.
PolicyBelow policy_below(const fs::path& root, policy::Names& names) {
    policy::ReadTexts read = policy::read_texts(root / "etc/sesslimit");
    const std::string prefix = root.lexically_normal().string();
    PolicyBelow found;
    for (policy::SourceText& text : read.texts) {
        if (prefix != "/" && text.path.starts_with(prefix)) {
            text.path = "/" + fs::path(text.path.substr(prefix.size())).relative_path().string();
        }
        found.evidence.files.emplace_back(text.path, policy::sha256(text.text));
    }
    found.is_complete = read.problems.empty();
    found.evidence.digest = policy::digest(read.texts);
    found.policy = policy::load_files(read, names).policy;
    found.evidence.valid = found.policy.has_value();
    return found;
}

/// Returns the name of the running host, or the one in /etc/hostname below another root directory.
std::string host_name(bool is_running, host_config::Files& files) {
    if (is_running) {
        std::array<char, HOST_NAME_MAX + 1> name{};
        return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
    }
    for (const host_config::TextFile& file : files.matching("/etc/hostname")) {
        return std::string(host_config::trimmed(file.text.substr(0, file.text.find('\n'))));
    }
    return {};
}

bool is_running_host(const fs::path& root) {
    std::error_code error;
    return fs::equivalent(root, "/", error);
}

/// Compares the policy of the daemon with the policy files, of which `digest` is the digest. `status` is absent if the
/// daemon does not answer.
audit::PolicyInEffect in_effect(const std::optional<Status>& status, const std::string& digest) {
    if (!status || status->policy_state == "none") {
        return audit::PolicyInEffect::none;
    }
    const bool are_known = !status->policy_digest.empty() && !digest.empty();
    return are_known && status->policy_digest != digest ? audit::PolicyInEffect::other : audit::PolicyInEffect::same;
}

/// Adds warnings about the running daemon. `status` is absent if it does not answer.
void add_enforcement(const std::optional<Status>& status, const AuditSources& sources, Usec now,
                     audit::Report& report) {
    if (status) {
        if (auto warning = recording_warning(*status)) {
            report.warnings.push_back({*std::move(warning), {}});
        }
    }
    for (std::string& warning : warnings_of(enforcement(sources.remote, sources.host, now), now)) {
        report.warnings.push_back({std::move(warning), {}});
    }
}

audit::Control control_of(const RequiredLimit& limit) {
    return {.profile = {},
            .os = "*",
            .version = "",
            .id = limit.check == audit::Check::sessions ? "max_sessions" : "idle_timeout",
            .check = limit.check,
            .value = limit.value};
}

} // namespace

std::optional<RequiredLimit> parse_required_limit(std::string_view text) {
    const std::size_t equals = std::min(text.find('='), text.size());
    const std::string_view key = text.substr(0, equals);
    const std::string_view value = text.substr(std::min(equals + 1, text.size()));
    constexpr std::uint64_t most = 1'000'000'000;
    if (key == "max_sessions") {
        const auto number = host_config::number_in(value);
        return number && *number <= most
                   ? std::optional(RequiredLimit{audit::Check::sessions, static_cast<unsigned>(*number)})
                   : std::nullopt;
    }
    const auto span = parse_span(value);
    if (key != "idle_timeout" || !span || *span < std::chrono::seconds(1) || *span > std::chrono::seconds(most)) {
        return std::nullopt;
    }
    return RequiredLimit{audit::Check::idle_session,
                         static_cast<unsigned>(std::chrono::floor<std::chrono::seconds>(*span).count())};
}

Exit audit(const AuditRequest& request, const AuditSources& sources, Console& console) {
    std::error_code error;
    if (!fs::is_directory(request.root, error)) {
        console.complain(escape_for_display(request.root, 4096) + ": " + (error ? error.message() : "Not a directory"));
        return Exit::failed;
    }
    host_config::HostFiles files(request.root);
    const bool is_running = is_running_host(request.root);
    audit::Native native = audit::read_native(files);
    // The digest of the daemon contains the paths of the files without another name of the root directory.
    PolicyBelow policy = policy_below(is_running ? "/" : request.root, sources.names);
    AuditEvidence evidence{.host = host_name(is_running, files),
                           .time = console.now(),
                           .os = native.os,
                           .os_version = native.version,
                           .policy = std::move(policy.evidence),
                           .daemon = {}};
    if (is_running) {
        const auto status = sources.remote.status();
        evidence.daemon = DaemonEvidence{status ? std::optional(*status) : std::nullopt};
        native.in_effect = in_effect(evidence.daemon->status, policy.is_complete ? evidence.policy.digest : "");
    }
    const audit::Control required = control_of(request.required.value_or(RequiredLimit{}));
    audit::Report report = request.required ? audit::judge_policy(native, policy.policy, required)
                                            : audit::judge(native, policy.policy, request.profile);
    if (evidence.daemon) {
        add_enforcement(evidence.daemon->status, sources, console.now(), report);
    }
    const Style& style = console.style();
    console.page(style.json != Json::off ? audit_json(report, evidence, style.json) : audit_text(report, style));
    return std::ranges::none_of(report.findings, &audit::Finding::needs_remedy) ? Exit::ok : Exit::failed;
}

} // namespace sesslimit::ctl
