// SPDX-License-Identifier: MIT
#include "ctl/commands/audit.hpp"

#include "common/text.hpp"
#include "ctl/client/enforcement.hpp"
#include "ctl/output/report.hpp"
#include "daemon/host_config/files.hpp"

#include <algorithm>
#include <filesystem>

namespace sesslimit::ctl {
namespace {

namespace fs = std::filesystem;

/// Loads the policy of a host whose root directory is `root`. In the loaded policy, the paths of files do not include
/// `root`. Returns nullopt if the policy has errors.
std::optional<policy::Policy> policy_below(const fs::path& root, policy::Names& names) {
    policy::ReadTexts read = policy::read_texts(root / "etc/sesslimit");
    const std::string prefix = root.lexically_normal().string();
    for (policy::SourceText& text : read.texts) {
        if (prefix != "/" && text.path.starts_with(prefix)) {
            text.path = "/" + fs::path(text.path.substr(prefix.size())).relative_path().string();
        }
    }
    auto loaded = policy::load(read.texts, names);
    return read.problems.empty() ? std::move(loaded.policy) : std::nullopt;
}

bool is_running_host(const fs::path& root) {
    std::error_code error;
    return fs::equivalent(root, "/", error);
}

/// Adds warnings about the running daemon, if there is one.
void add_enforcement(const AuditSources& sources, Usec now, audit::Report& report) {
    if (const auto status = sources.remote.status()) {
        if (auto warning = recording_warning(*status)) {
            report.warnings.push_back({*std::move(warning), {}});
        }
    }
    for (std::string& warning : warnings_of(enforcement(sources.remote, sources.host, now), now)) {
        report.warnings.push_back({std::move(warning), {}});
    }
}

} // namespace

Exit audit(const AuditRequest& request, const AuditSources& sources, Console& console) {
    std::error_code error;
    if (!fs::is_directory(request.root, error)) {
        console.complain(escape_for_display(request.root, 4096) + ": " + (error ? error.message() : "Not a directory"));
        return Exit::failed;
    }
    host_config::HostFiles files(request.root);
    const audit::Native native = audit::read_native(files);
    audit::Report report = audit::judge(native, policy_below(request.root, sources.names), request.profile);
    if (is_running_host(request.root)) {
        add_enforcement(sources, console.now(), report);
    }
    const Style& style = console.style();
    console.page(style.json != Json::off ? audit_json(report, native, style.json) : audit_text(report, style));
    return std::ranges::all_of(report.findings, &audit::Finding::pass) ? Exit::ok : Exit::failed;
}

} // namespace sesslimit::ctl
