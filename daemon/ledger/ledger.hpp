// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "daemon/core/session.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sesslimit::ledger {

/// Where the sessions go that a ledger held when it was opened: each is handed over as it is read, because 100,000 of
/// them kept for later would be memory that is never given back. It may run out of memory and throw nothing else.
using Restore = std::function<void(core::Session&&)>;

/// The sessions on disk (on /run, to be exact: they mean nothing after a boot), so that a restart of the daemon
/// forgets none. docs/ledger.md is the format. One process at a time: the lock file beside it says who.
///
/// An update is whole or did not happen, wherever the process is killed. Updates do not sync and do not block; only
/// growing the file does I/O. Not for several threads.
class Ledger {
  public:
    /// Slots that a ledger begins with, and grows by.
    static constexpr std::size_t usual_step = 1024;

    /// Opens the ledger in `directory`, which is there, makes it where there is none, and reads it. A file that is not
    /// a ledger, is of another format version or of another boot is moved aside (".old") and a new one is begun.
    ///
    /// `restore` gets each session once, in no order: whole, possible (codec.hpp), its times of this boot, but held
    /// against no clock; `login.gids_cut` says that some of its group ids had no room. `dropped` gets a line for the
    /// journal for each thing that could not be believed, at most 65 of them.
    ///
    /// Fails where another process has it, or where nothing can be written: then nothing was handed over, unless it was
    /// memory that ran out; the error's code is EAGAIN where another process has it. At most one Ledger of a directory
    /// in a process (lock.hpp). `step`, at least 1, is for tests.
    static Result<Ledger> open(const std::filesystem::path& directory, const Restore& restore,
                               std::vector<std::string>& dropped, std::size_t step = usual_step);

    Ledger(Ledger&&) noexcept;
    Ledger& operator=(Ledger&&) noexcept;
    ~Ledger();

    /// Records the session, in place of what was recorded under its key. On failure (an impossible session, no room
    /// left on /run, no memory) what was recorded before is still there.
    Result<> put(const core::Session& session);

    /// Forgets the session; nothing happens where it is not recorded.
    void drop(SessionKey key) noexcept;

    /// How many sessions are recorded.
    [[nodiscard]] std::size_t size() const noexcept;

  private:
    struct Impl;
    explicit Ledger(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

} // namespace sesslimit::ledger
