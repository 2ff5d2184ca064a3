// SPDX-License-Identifier: MIT
#include "daemon/api/quota.hpp"
#include "tests/unit/support/cmocka.hpp"

#include <sys/types.h>

#include <optional>
#include <vector>

namespace {

using namespace sesslimit::api;

void nobody_takes_the_places_of_others() {
    Quota<uid_t> places(3, 2);
    std::vector<QuotaToken> held;
    struct Case {
        uid_t user;
        bool has_place;
        const char* about;
    };
    constexpr Case cases[] = {
        {1000, true, "the first"},    {1000, true, "the second of the same"}, {1000, false, "the third of it"},
        {1001, true, "another user"}, {1001, false, "all are taken"},         {0, false, "for root as well"},
    };
    for (const Case& each : cases) {
        auto place = places.take(each.user);
        EXPECT((place != nullptr) == each.has_place, each.about);
        if (place) {
            held.push_back(std::move(place));
        }
    }
    held.erase(held.begin());
    EXPECT(places.take(1000) != nullptr, "one is free again, of that user");
    EXPECT(places.take(1001) != nullptr, "and for anybody, once it was given back");
}

void a_place_outlives_the_places() {
    std::optional<Quota<uid_t>> places(std::in_place, 1, 1);
    auto place = places->take(1000);
    places.reset();
    EXPECT(place != nullptr, "held");
    place.reset(); // the sanitizers would tell
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(nobody_takes_the_places_of_others),
        SESSLIMIT_TEST(a_place_outlives_the_places),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
