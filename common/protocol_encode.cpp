// SPDX-License-Identifier: MIT
#include "common/protocol_fields.hpp"

#include <algorithm>

namespace sesslimit::wire {
namespace {

/// A writer that appends fields to a frame of the protocol. After the first error it ignores all later fields, and
/// finish() returns this error.
class Writer {
  public:
    explicit Writer(std::span<std::byte> out) noexcept : out_(out) {}

    template <class Tag>
    void text(Tag tag, std::string_view text, std::size_t bound, bool must) noexcept {
        if (text.empty() && !must) {
            return;
        }
        check(text_fits(text, bound));
        field(static_cast<std::uint16_t>(tag), std::as_bytes(std::span(text)));
    }

    template <class Tag, class Number>
    void number(Tag tag, Number value) noexcept {
        field(static_cast<std::uint16_t>(tag), std::as_bytes(std::span(&value, 1)));
    }

    void gids(const GidView& gids) noexcept {
        check(gids_fit(gids.bytes().size()));
        field(static_cast<std::uint16_t>(OpenTag::gids), gids.bytes());
    }

    void check(Done done) noexcept {
        if (!done && !failed_) {
            failed_ = true;
            error_ = done.error();
        }
    }
    void check(bool fits) noexcept { check(fits ? Done{} : unexpected(WireError::bad_field)); }

    std::expected<std::size_t, WireError> finish(Kind kind) noexcept {
        if (failed_) {
            return unexpected(error_);
        }
        if (out_.size() < header_size) {
            return unexpected(WireError::no_room);
        }
        const Header header{magic, version, static_cast<std::uint16_t>(kind),
                            static_cast<std::uint32_t>(at_ - header_size)};
        std::memcpy(out_.data(), &header, header_size);
        return at_;
    }

  private:
    void field(std::uint16_t tag, Bytes value) noexcept {
        if (!failed_ && (out_.size() < at_ || out_.size() - at_ < field_header + value.size())) {
            check(unexpected(WireError::no_room));
        }
        if (failed_) {
            return;
        }
        const auto length = static_cast<std::uint16_t>(value.size());
        put(std::as_bytes(std::span(&tag, 1)));
        put(std::as_bytes(std::span(&length, 1)));
        put(value);
    }

    void put(Bytes bytes) noexcept {
        std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<std::ptrdiff_t>(at_));
        at_ += bytes.size();
    }

    std::span<std::byte> out_;
    std::size_t at_ = header_size;
    bool failed_ = false;
    WireError error_ = WireError::no_room;
};

} // namespace

std::expected<std::size_t, WireError> encode(const OpenRequest& request, std::span<std::byte> out) noexcept {
    Writer writer(out);
    for (const TextRule& rule : open_texts) {
        writer.text(rule.tag, request.*rule.member, rule.bound, rule.must);
    }
    writer.check(request.uid != no_uid && budget_fits(request.budget_ms));
    writer.number(OpenTag::uid, request.uid);
    writer.gids(request.gids);
    const std::uint32_t flags = (request.nested ? flag_nested : 0) | (request.gids_cut ? flag_gids_cut : 0);
    if (flags != 0) {
        writer.number(OpenTag::flags, flags);
    }
    writer.number(OpenTag::budget, request.budget_ms);
    return writer.finish(Kind::open);
}

std::expected<std::size_t, WireError> encode(const CloseRequest& request, std::span<std::byte> out) noexcept {
    Writer writer(out);
    if (request.session != 0) {
        writer.number(CloseTag::session, request.session);
    }
    return writer.finish(Kind::close);
}

std::expected<std::size_t, WireError> encode(const Verdict& verdict, std::span<std::byte> out) noexcept {
    Writer writer(out);
    writer.check(outcome_fits(static_cast<std::uint8_t>(verdict.outcome)) && session_fits(verdict));
    writer.number(VerdictTag::outcome, static_cast<std::uint8_t>(verdict.outcome));
    if (verdict.session != 0) {
        writer.number(VerdictTag::session, verdict.session);
    }
    writer.text(VerdictTag::text, verdict.text, max_text, false);
    return writer.finish(Kind::verdict);
}

std::expected<std::size_t, WireError> encode(const Wait& wait, std::span<std::byte> out) noexcept {
    Writer writer(out);
    writer.check(wait_fits(wait.more_ms));
    writer.number(WaitTag::more, wait.more_ms);
    return writer.finish(Kind::wait);
}

} // namespace sesslimit::wire
