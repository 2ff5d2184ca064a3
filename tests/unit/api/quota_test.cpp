// SPDX-License-Identifier: MIT
#include "daemon/api/quota.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <sys/types.h>

#include <optional>
#include <vector>

namespace {

using namespace sesslimit::api;

SESSLIMIT_TEST(quota_of_one_owner_leaves_room_for_others) {
    Quota<uid_t> places(3, 2);
    std::vector<QuotaToken> held;
    struct Case {
        uid_t user;
        bool has_place;
        const char* about;
    };
    constexpr Case cases[] = {
        {1000, true, "first"},        {1000, true, "second of the same user"}, {1000, false, "third of the same user"},
        {1001, true, "another user"}, {1001, false, "all are in use"},         {0, false, "root is limited too"},
    };
    for (const Case& each : cases) {
        auto place = places.take(each.user);
        EXPECT((place != nullptr) == each.has_place, each.about);
        if (place) {
            held.push_back(std::move(place));
        }
    }
    held.erase(held.begin());
    EXPECT(places.take(1000) != nullptr, "one of that user is free again");
    EXPECT(places.take(1001) != nullptr, "free for another user once returned");
}

SESSLIMIT_TEST(place_may_outlive_quota) {
    std::optional<Quota<uid_t>> places(std::in_place, 1, 1);
    auto place = places->take(1000);
    places.reset();
    EXPECT(place != nullptr, "taken");
    place.reset(); // sanitizers detect an access to the destroyed quota
}

} // namespace
