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

/// Most slots that a ledger has: as many as Linux has processes (PID_MAX_LIMIT in include/linux/threads.h).
inline constexpr std::size_t max_slots = std::size_t{1} << 22;

Result<BootId> read_boot_id();

/// Why a file was not taken over, and what is to be done about it.
struct OpenFailure {
    enum class Then : std::uint8_t { create, move_aside, give_up };
    Then then = Then::give_up;
    Error error;
};

/// The ledger's file in memory: slots, numbered from 0, and the header that they do not see. Every page of it exists,
/// so that touching one cannot fail. Whoever opens it holds the lock.
class LedgerFile {
  public:
    /// Takes over `directory`/ledger where it is a ledger of this boot. Where there is none, makes one of `step` slots
    /// (at least 1); what cannot be taken over is moved aside first. Adds a line to `said` for all that was given up.
    static Result<LedgerFile> open(const std::filesystem::path& directory, const BootId& boot, std::size_t step,
                                   std::vector<std::string>& said);

    [[nodiscard]] std::size_t slots() const noexcept { return slots_; }

    /// Valid until grow(). `index` is below slots().
    [[nodiscard]] SlotBytes slot(std::size_t index) const noexcept { return bytes_of(index + 1); }

    /// Adds a step of free slots. On failure everything is as it was.
    Result<> grow();

    /// Maps the pages of `count` slots from `first` at once, before they are read one after the other.
    void fetch(std::size_t first, std::size_t count) const noexcept;

    /// Unmaps the pages of all slots until they are next touched: they stay in the file, not in this process.
    void forget_pages() const noexcept;

  private:
    LedgerFile(UniqueFd fd, boost::interprocess::mapped_region&& region, std::size_t step) noexcept;

    static Result<LedgerFile> map(UniqueFd fd, std::size_t size, std::size_t step);
    static Result<LedgerFile> fill(UniqueFd fd, const BootId& boot, std::size_t step);
    static Result<LedgerFile> create(const std::filesystem::path& directory, const BootId& boot, std::size_t step);
    static std::expected<LedgerFile, OpenFailure> take_over(const std::filesystem::path& file, const BootId& boot,
                                                            std::size_t step, std::vector<std::string>& said);

    [[nodiscard]] SlotBytes bytes_of(std::size_t place) const noexcept;
    std::expected<void, OpenFailure> check_header(const BootId& boot, std::vector<std::string>& said);
    void write_header() noexcept;

    UniqueFd fd_;
    boost::interprocess::mapped_region region_;
    std::size_t slots_ = 0;
    std::size_t step_ = 0;
    BootId boot_{};
};

} // namespace sesslimit::ledger
