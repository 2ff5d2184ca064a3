// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

namespace sesslimit::fleet {

/// True for `Type` itself and for a constant object of it. Functions that list the fields of a record or of a frame for
/// a visitor use it, because they are the same for the reader and the writer.
template <class Type, class Record>
concept Is = std::same_as<std::remove_const_t<Type>, Record>;

} // namespace sesslimit::fleet
