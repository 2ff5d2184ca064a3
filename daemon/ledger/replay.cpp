// SPDX-License-Identifier: MIT
#include "daemon/ledger/replay.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sesslimit::ledger {
namespace {

constexpr std::size_t max_lines = 64;
constexpr std::size_t slots_batch_size = 1024;

/// List of lines for the journal about slots of the ledger file. After 64 lines, only the number of further lines is
/// added.
class Lines {
  public:
    explicit Lines(std::vector<std::string>& lines) noexcept : lines_(lines) {}

    void say(std::size_t slot, std::string_view what) {
        if (said_ < max_lines) {
            lines_.push_back("slot " + std::to_string(slot) + ": " + std::string(what));
        }
        ++said_;
    }

    void finish() {
        if (said_ > max_lines) {
            lines_.push_back("... and " + std::to_string(said_ - max_lines) + " more");
        }
    }

  private:
    std::vector<std::string>& lines_;
    std::size_t said_ = 0;
};

void mend(SlotBytes bytes, const Slot& slot, std::size_t number, Lines& lines) {
    for (const unsigned index : {0U, 1U}) {
        if (slot.torn[index]) {
            lines.say(number, slot.generation == 0
                                  ? "one copy of the ledger slot is damaged, and the other copy is damaged or empty"
                                  : "one copy of the ledger slot is damaged, and the other copy is used instead");
            make_blank(bytes, index);
        }
    }
}

/// Decodes the record in slot `number` of the ledger file, passes its session to `restore`, and adds the slot to the
/// index. Returns the reason if the record is rejected, otherwise an empty text.
std::string_view take(std::span<const std::byte> payload, std::uint32_t number, Index& index, const Restore& restore) {
    auto session = decode(payload);
    if (!session) {
        return session.error();
    }
    if (!index.slot_of.try_emplace(session->key, number).second) {
        return "the session key is already used by an earlier slot of the ledger";
    }
    restore(std::move(*session));
    return {};
}

void read_one(const LedgerFile& image, std::uint32_t number, Index& index, const Restore& restore, Lines& lines) {
    const SlotBytes bytes = image.slot(number);
    const Slot slot = read_slot(bytes);
    mend(bytes, slot, number, lines);
    index.generations[number] = slot.generation;
    if (slot.payload.empty()) {
        index.free.push_back(number);
        return;
    }
    const std::string_view fault = take(slot.payload, number, index, restore);
    if (!fault.empty()) {
        lines.say(number, "invalid session: " + std::string(fault));
        index.rejected_slots.push_back(number);
        index.free.push_back(number);
    }
}

} // namespace

void Index::add_slots(std::size_t slots) {
    const std::size_t had = generations.size();
    free.reserve(slots);
    generations.resize(slots);
    for (std::size_t number = slots; number-- > had;) {
        free.push_back(static_cast<std::uint32_t>(number));
    }
}

Index read_all(const LedgerFile& image, const Restore& restore, std::vector<std::string>& dropped) {
    Index index;
    index.generations.resize(image.slots());
    index.free.reserve(image.slots());
    index.slot_of.reserve(image.slots());
    Lines lines(dropped);
    for (std::size_t first = 0; first < image.slots(); first += slots_batch_size) {
        const std::size_t count = std::min(slots_batch_size, image.slots() - first);
        image.fetch(first, count);
        for (std::size_t number = first; number < first + count; ++number) {
            read_one(image, static_cast<std::uint32_t>(number), index, restore, lines);
        }
        image.forget_pages();
    }
    // Free slots are used from the end of the list. The list is reversed, so that the free slot with the lowest number
    // is used first.
    std::ranges::reverse(index.free);
    lines.finish();
    return index;
}

} // namespace sesslimit::ledger
