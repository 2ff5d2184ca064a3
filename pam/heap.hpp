// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdlib>
#include <span>
#include <type_traits>
#include <utility>

namespace sesslimit::pam {

/// An array allocated with calloc(3) and zeroed. The array is empty if the allocation failed. The PAM module runs
/// inside other programs. Therefore it must not throw, and must not depend on operator new, which these programs may
/// have replaced.
template <class T>
class HeapArray {
    static_assert(std::is_trivial_v<T>);

  public:
    HeapArray() noexcept = default;
    explicit HeapArray(std::size_t count) noexcept
        : data_(static_cast<T*>(std::calloc(count, sizeof(T)))), count_(data_ != nullptr ? count : 0) {}
    HeapArray(HeapArray&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    HeapArray& operator=(HeapArray&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }
    HeapArray(const HeapArray&) = delete;
    HeapArray& operator=(const HeapArray&) = delete;
    ~HeapArray() { std::free(data_); }

    [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }
    [[nodiscard]] T* data() noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] std::span<T> span() noexcept { return {data_, count_}; }

  private:
    T* data_ = nullptr;
    std::size_t count_ = 0;
};

} // namespace sesslimit::pam
