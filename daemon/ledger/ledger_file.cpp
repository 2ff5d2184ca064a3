// SPDX-License-Identifier: MIT
#include "daemon/ledger/ledger_file.hpp"

#include <boost/interprocess/exceptions.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <expected>
#include <string_view>
#include <utility>

namespace sesslimit::ledger {
namespace {

namespace fs = std::filesystem;
namespace ipc = boost::interprocess;

/// Adapter through which boost::interprocess::mapped_region maps a descriptor that is close-on-exec. The class
/// file_mapping of Boost is not used, because its descriptor is not close-on-exec.
struct MappableFd {
    int fd;
    [[nodiscard]] ipc::mapping_handle_t get_mapping_handle() const noexcept { return {.handle = fd, .is_xsi = false}; }
};

constexpr std::size_t file_size(std::size_t slots) noexcept {
    return (slots + 1) * slot_size;
}

Result<ipc::mapped_region> map_file(int fd, std::size_t size) {
    try {
        return ipc::mapped_region(MappableFd{fd}, ipc::read_write, 0, size);
    } catch (const ipc::interprocess_exception& error) {
        return fail_errno("map the ledger", error.get_native_error());
    }
}

Result<> allocate(int fd, std::size_t from, std::size_t size) {
    int error = EINTR;
    while (error == EINTR) {
        error = ::posix_fallocate(fd, static_cast<off_t>(from), static_cast<off_t>(size));
    }
    if (error != 0) {
        return fail_errno("allocate space for the ledger", error);
    }
    return {};
}

/// Returns true if the file has holes, which are ranges without allocated pages. An access to a mapped hole allocates a
/// page, and kills the process with SIGBUS if the file system is full.
bool has_holes(const struct stat& status) noexcept {
    constexpr off_t block = 512; // unit of st_blocks (stat(2))
    return status.st_blocks * block < status.st_size;
}

std::unexpected<OpenFailure> move_aside(std::string why) {
    return std::unexpected(OpenFailure{.then = OpenFailure::Then::move_aside, .error = {.what = std::move(why)}});
}

std::unexpected<OpenFailure> give_up(std::unexpected<Error> error) {
    return std::unexpected(OpenFailure{.then = OpenFailure::Then::give_up, .error = std::move(error.error())});
}

std::unexpected<OpenFailure> open_failure(const fs::path& file, int error) {
    switch (error) {
    case ENOENT:
        return std::unexpected(OpenFailure{.then = OpenFailure::Then::create, .error = {}});
    // For a path that is not a regular file, open(2) fails with ELOOP (symbolic link), EISDIR (directory) or ENXIO
    // (socket).
    case ELOOP:
    case EISDIR:
    case ENXIO:
        return move_aside("not a ledger");
    default:
        return give_up(fail_errno("open " + file.string(), error));
    }
}

} // namespace

Result<BootId> read_boot_id() {
    constexpr char path[] = "/proc/sys/kernel/random/boot_id";
    const UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return fail_errno(std::string("open ") + path);
    }
    BootId id{};
    if (::read(fd.get(), id.data(), id.size()) != static_cast<ssize_t>(id.size())) {
        return fail(std::string(path) + " does not contain a valid boot ID");
    }
    return id;
}

LedgerFile::LedgerFile(UniqueFd fd, ipc::mapped_region&& region, std::size_t step) noexcept
    : fd_(std::move(fd)), region_(std::move(region)), slots_(region_.get_size() / slot_size - 1), step_(step) {}

SlotBytes LedgerFile::bytes_of(std::size_t place) const noexcept {
    return SlotBytes(static_cast<std::byte*>(region_.get_address()) + place * slot_size, slot_size);
}

Result<LedgerFile> LedgerFile::map(UniqueFd fd, std::size_t size, std::size_t step) {
    auto region = map_file(fd.get(), size);
    if (!region) {
        return std::unexpected(std::move(region.error()));
    }
    return LedgerFile(std::move(fd), std::move(*region), step);
}

void LedgerFile::write_header() noexcept {
    const std::uint64_t before = read_slot(bytes_of(0)).generation;
    write_slot(bytes_of(0), std::min(before, last_generation - 1) + 1, encode(Header{.slots = slots_, .boot = boot_}));
}

std::string LedgerFile::describe(const HeaderFault& fault) const {
    if (!fault.version) {
        return std::string(fault.text);
    }
    // The form of slots is the same in all versions, so that the sessions can be counted.
    std::size_t sessions = 0;
    for (std::size_t index = 0; index < slots_; ++index) {
        sessions += read_slot(slot(index)).payload.empty() ? 0U : 1U;
    }
    return std::string(fault.text) + " " + std::to_string(*fault.version) + ", records of " + std::to_string(sessions) +
           " sessions dropped";
}

std::expected<void, OpenFailure> LedgerFile::check_header(const BootId& boot, std::vector<std::string>& said) {
    const Slot slot = read_slot(bytes_of(0));
    const auto header = decode_header(slot.payload);
    if (!header) {
        return move_aside(describe(header.error()));
    }
    if (header->boot != boot) {
        return move_aside("from another boot");
    }
    boot_ = boot;
    for (const unsigned index : {0U, 1U}) {
        if (slot.torn[index]) {
            said.emplace_back("one copy of the ledger header is damaged, and the other copy is used instead");
            make_blank(bytes_of(0), index);
        }
    }
    if (header->slots > slots_) {
        said.push_back("file was truncated: " + std::to_string(header->slots - slots_) + " slots lost");
        write_header();
    }
    if (header->version != format_version) {
        // The records are converted with their next update. Both copies of the header are written, as in a new ledger.
        write_header();
        write_header();
    }
    return {};
}

Result<LedgerFile> LedgerFile::fill(UniqueFd fd, const BootId& boot, std::size_t step) {
    if (auto allocated = allocate(fd.get(), 0, file_size(step)); !allocated) {
        return std::unexpected(std::move(allocated.error()));
    }
    auto image = map(std::move(fd), file_size(step), step);
    if (image) {
        image->boot_ = boot;
        // The header of a new ledger is written twice, once to each of its two copies, so that the file is usable if
        // one copy is damaged later.
        image->write_header();
        image->write_header();
    }
    return image;
}

Result<LedgerFile> LedgerFile::create(const fs::path& directory, const BootId& boot, std::size_t step) {
    const fs::path path = directory / "ledger.new";
    ::unlink(path.c_str());
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        return fail_errno("create " + path.string());
    }
    auto image = fill(std::move(fd), boot, step);
    if (image && ::rename(path.c_str(), (directory / "ledger").c_str()) != 0) {
        image = fail_errno("rename " + path.string());
    }
    if (!image) {
        ::unlink(path.c_str());
    }
    return image;
}

std::expected<LedgerFile, OpenFailure> LedgerFile::take_over(const fs::path& file, const BootId& boot, std::size_t step,
                                                             std::vector<std::string>& said) {
    UniqueFd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!fd) {
        return open_failure(file, errno);
    }
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) {
        return give_up(fail_errno("read the status of " + file.string()));
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || size < slot_size) {
        return move_aside("not a ledger");
    }
    if (has_holes(status)) {
        if (auto filled = allocate(fd.get(), 0, size); !filled) {
            return give_up(std::unexpected(std::move(filled.error())));
        }
    }
    auto image = map(std::move(fd), file_size(std::min(size / slot_size - 1, max_slots)), step);
    if (!image) {
        return give_up(std::unexpected(std::move(image.error())));
    }
    if (auto checked = image->check_header(boot, said); !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    return std::move(*image);
}

Result<LedgerFile> LedgerFile::open(const fs::path& directory, const BootId& boot, std::size_t step,
                                    std::vector<std::string>& said) {
    auto image = open_or_create(directory, boot, step, said);
    if (image) {
        image->path_ = directory / "ledger";
        if (struct stat opened{}; ::fstat(image->fd_.get(), &opened) == 0) {
            image->device_ = opened.st_dev;
            image->inode_ = opened.st_ino;
        }
    }
    return image;
}

Result<LedgerFile> LedgerFile::open_or_create(const fs::path& directory, const BootId& boot, std::size_t step,
                                              std::vector<std::string>& said) {
    const fs::path file = directory / "ledger";
    const fs::path old = directory / "ledger.old";
    auto taken = take_over(file, boot, step, said);
    if (taken) {
        return std::move(*taken);
    }
    if (taken.error().then == OpenFailure::Then::give_up) {
        return std::unexpected(std::move(taken.error().error));
    }
    if (taken.error().then == OpenFailure::Then::move_aside) {
        if (::rename(file.c_str(), old.c_str()) != 0) {
            return fail_errno("rename " + file.string());
        }
        said.push_back(file.string() + ": " + taken.error().error.what + "; moved to " + old.string());
    }
    auto made = create(directory, boot, step);
    if (!made && made.error().code == ENOSPC && ::unlink(old.c_str()) == 0) {
        said.push_back(old.string() + ": removed to free space");
        made = create(directory, boot, step);
    }
    return made;
}

bool LedgerFile::is_in_place() const noexcept {
    struct stat found{};
    return ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_;
}

bool LedgerFile::is_deleted() const noexcept {
    struct stat found{};
    return ::fstat(fd_.get(), &found) == 0 && found.st_nlink == 0;
}

Result<> LedgerFile::grow() {
    const std::size_t slots = std::min(slots_ + step_, max_slots);
    if (slots == slots_) {
        return fail("the ledger is full", ENOSPC);
    }
    if (auto allocated = allocate(fd_.get(), file_size(slots_), file_size(slots) - file_size(slots_)); !allocated) {
        return allocated;
    }
    auto region = map_file(fd_.get(), file_size(slots));
    if (!region) {
        return std::unexpected(std::move(region.error()));
    }
    region_ = std::move(*region);
    slots_ = slots;
    write_header();
    return {};
}

void LedgerFile::fetch(std::size_t first, std::size_t count) const noexcept {
    // Linux before 5.14 does not support MADV_POPULATE_READ. The call then fails, and the pages are mapped one by one
    // when they are read.
    ::madvise(slot(first).data(), count * slot_size, MADV_POPULATE_READ);
}

void LedgerFile::forget_pages() const noexcept {
    ::madvise(region_.get_address(), region_.get_size(), MADV_DONTNEED);
}

} // namespace sesslimit::ledger
