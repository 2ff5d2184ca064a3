// SPDX-License-Identifier: MIT
#pragma once

#include "common/result.hpp"
#include "common/unique_fd.hpp"
#include "daemon/ledger/slot.hpp"

#include <boost/interprocess/mapped_region.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace sesslimit::ledger {

/// Maximum number of slots of a ledger, which is the maximum number of sessions. Equal to the maximum number of Linux
/// processes (PID_MAX_LIMIT in include/linux/threads.h).
inline constexpr std::size_t max_slots = std::size_t{1} << 22;

/// Reads the identifier of the current boot.
Result<BootId> read_boot_id();

/// Reason why the ledger file could not be opened, and what the daemon does next: it creates a new file, renames the
/// old file, or gives up.
struct OpenFailure {
    enum class Then : std::uint8_t { create, move_aside, give_up };
    Then then = Then::give_up;
    Error error;
};

/// Ledger file, mapped into memory. The file consists of a header and of slots, which are numbered from 0 and contain
/// at most one session each. Every page of the file is allocated in advance, so that an access to the mapped memory
/// cannot fail. The caller of open() must own the lock of the ledger.
class LedgerFile {
  public:
    /// Opens `directory`/ledger if it is a ledger of this boot, and raises its format version to the current one. If
    /// the file does not exist, creates a ledger with `step` slots (at least 1). A file that cannot be used is first
    /// renamed to "ledger.old". Appends a line for the journal to `said` for each damage of the file, and for each file
    /// that was renamed or removed.
    static Result<LedgerFile> open(const std::filesystem::path& directory, const BootId& boot, std::size_t step,
                                   std::vector<std::string>& said);

    [[nodiscard]] std::size_t slots() const noexcept { return slots_; }

    /// Returns the bytes of a slot of the ledger file. `index` must be below slots(). Lifetime: the bytes are valid
    /// until grow() is called.
    [[nodiscard]] SlotBytes slot(std::size_t index) const noexcept { return bytes_of(index + 1); }

    /// Returns true if the path with which the ledger was opened still leads to this file. Returns false if the file or
    /// its directory was deleted, renamed or replaced. A restarted daemon would then not find the records.
    [[nodiscard]] bool is_in_place() const noexcept;

    /// Returns true if the file has no path anymore. Does not resolve a path, unlike is_in_place().
    [[nodiscard]] bool is_deleted() const noexcept;

    /// Adds `step` free slots to the ledger file. On failure the number of slots is unchanged.
    Result<> grow();

    /// Maps the pages of `count` slots, beginning with slot `first`, with one system call. Without this call, the pages
    /// are mapped one by one when they are read.
    void fetch(std::size_t first, std::size_t count) const noexcept;

    /// Unmaps the pages of all slots until the slots are accessed again, so that these pages do not count as memory of
    /// the process. The contents of the file are unchanged.
    void forget_pages() const noexcept;

  private:
    LedgerFile(UniqueFd fd, boost::interprocess::mapped_region&& region, std::size_t step) noexcept;

    static Result<LedgerFile> open_or_create(const std::filesystem::path& directory, const BootId& boot,
                                             std::size_t step, std::vector<std::string>& said);
    static Result<LedgerFile> map(UniqueFd fd, std::size_t size, std::size_t step);
    static Result<LedgerFile> fill(UniqueFd fd, const BootId& boot, std::size_t step);
    static Result<LedgerFile> create(const std::filesystem::path& directory, const BootId& boot, std::size_t step);
    static std::expected<LedgerFile, OpenFailure> take_over(const std::filesystem::path& file, const BootId& boot,
                                                            std::size_t step, std::vector<std::string>& said);

    [[nodiscard]] SlotBytes bytes_of(std::size_t place) const noexcept;
    std::expected<void, OpenFailure> check_header(const BootId& boot, std::vector<std::string>& said);
    void write_header() noexcept;

    /// Describes why the header was rejected. If the format version is unsupported, counts the records that are
    /// dropped.
    [[nodiscard]] std::string describe(const HeaderFault& fault) const;

    UniqueFd fd_;
    std::filesystem::path path_; ///< set by open()
    dev_t device_ = 0;           ///< device and inode of the file, set by open()
    ino_t inode_ = 0;
    boost::interprocess::mapped_region region_;
    std::size_t slots_ = 0;
    std::size_t step_ = 0;
    BootId boot_{};
};

} // namespace sesslimit::ledger
