// SPDX-License-Identifier: MIT
#pragma once

#include "daemon/core/session.hpp"
#include "daemon/inspect/cgroup_paths.hpp"
#include "tests/unit/support/loop_bench.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace sesslimit::test {

/// A simulated host of plain files: processes and control groups of the user with UID 1001.
struct ProcTree {
    TemporaryDirectory directory;
    inspect::SysPaths roots{.cgroup = directory.path / "cgroup",
                            .proc = directory.path / "proc",
                            .sys = directory.path / "sys",
                            .dev = directory.path / "dev",
                            .linger = directory.path / "linger"};

    static void write(const std::filesystem::path& path, const std::string& text) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }

    struct Stat {
        int pid;
        int parent;
        int session;
        int terminal; ///< minor number of the pty; 0: no terminal
        std::string command;
    };
    void process(const Stat& stat) const {
        const auto number = [](int value) { return std::to_string(value) + " "; };
        write(roots.proc / std::to_string(stat.pid) / "stat",
              number(stat.pid) + "(" + stat.command + ") S " + number(stat.parent) + number(stat.pid) +
                  number(stat.session) + number(stat.terminal == 0 ? 0 : (136 << 8) | stat.terminal) +
                  "1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
    }

    /// Creates the processes and the lists of their children.
    void processes(const std::vector<Stat>& all) const {
        for (const Stat& stat : all) {
            process(stat);
            const std::string pid = std::to_string(stat.pid);
            std::string children;
            for (const Stat& other : all) {
                children += other.parent == stat.pid ? std::to_string(other.pid) + " " : "";
            }
            write(roots.proc / pid / "task" / pid / "children", children);
        }
    }

    /// Creates a control group below the user's slice with these processes in it.
    void group(const std::string& below_slice, const std::string& pids) const {
        const auto path = roots.cgroup / "user.slice/user-1001.slice" / below_slice;
        write(path / "cgroup.procs", pids);
        write(path / "cgroup.events", std::string("populated ") + (pids.empty() ? "0" : "1") + "\nfrozen 0\n");
    }

    /// Creates the control group and its processes.
    void group(const std::string& below_slice, const std::vector<Stat>& processes) const {
        std::string pids;
        for (const Stat& stat : processes) {
            process(stat);
            pids += std::to_string(stat.pid) + "\n";
        }
        group(below_slice, pids);
    }
};

inline core::Session session_in(const std::string& scope) {
    core::Session session;
    session.key = SessionKey{7};
    session.logind_id = "3";
    session.login.user = "alice";
    session.login.uid = 1001;
    session.scope = scope;
    return session;
}

} // namespace sesslimit::test
