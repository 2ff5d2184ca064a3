// SPDX-License-Identifier: MIT
#include "daemon/credential/credential.hpp"
#include "tests/unit/cmocka.hpp"

#include <vector>

namespace {

using namespace sesslimit;
using namespace std::string_view_literals;

/// Public keys that ssh-keygen 9.2 made, and what its -l printed of them.
struct Key {
    std::string_view name;
    std::string_view type;
    std::string_view base64;
    std::string_view fingerprint;
};

constexpr Key keys[] = {
    {"ed25519", "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIBe9dVMAFtYZrxWHzrA7++rlcDfVat1RYt88vp04q9uZ",
     "SHA256:PMGHOymEYlK9vwLYV3L5DhJVhFFqXkS9A+ND7iaGpvw"},
    {"rsa 2048", "ssh-rsa",
     "AAAAB3NzaC1yc2EAAAADAQABAAABAQCL/oBvUIXyH+QPbOHyj28Muh56rPp1jYQ9DBtz/a2xLDZTdLw+GGGmuWbraTpteJkz"
     "2zkUpWV+renQc3HtoeNZRE4PaXY8wq7e9wPOZ/ADL4aKl40Uk+gOlLQacXlj7mdPCroWtSAhZy6ewY2W1aqLtju84acfJ3ti"
     "vOqnHbfAOPB31BeLoX/6C/rZnwltStzAkqIP8d8XRm2J0khnXfXptxv6Qp6AinFtj5R2olX1QTZWLdT4aulbp9qaYiOcJP3m"
     "Ljg8A7D0C7s4/GA/Ph+OT+PJ+XYfjmEt+yPzpD6SmIJy+O10CoKHd+8hIEAomCRAH6Xc9G+87+c7RcnMzonL",
     "SHA256:65LaKJu7EkM0xNbQHaobH3aNP8azoacy6QBGTtj3IIE"},
    {"ecdsa 256", "ecdsa-sha2-nistp256",
     "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBOrh4Ds8a09dgFZrKm6gZFVH4YHsORlmOIcmbdBqZa9U"
     "oTCSm+Zg+DKIOWEZTibXole1NvvhUAuCLCYeTGb4Uio=",
     "SHA256:8reW1FCdsmijRIbB4rlk2kudVtqTSTCxQ9HYEmFV4nQ"},
    {"ecdsa 521", "ecdsa-sha2-nistp521",
     "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBABIKMIjFHu20WDJrcLmbVYbGRsGKvfxRrT94zDBSyt7"
     "A1Gehvuwu+JUe1V3B/CcIQgc0Awnjts/Hn7K02b7j8PhHgCOY9Nev03lu/1HCAnPP/D733r35yTC1lTWZdKvc1fYOUm/FucN"
     "S8vi32ZSIQIr3XyObVx2YVtQMt5JOKFPkqWj+A==",
     "SHA256:PdXCyBYcb591Zkx5PvZ9/orom3qlu4+ttebQNVSCCW8"},
    {"ed25519 certificate", "ssh-ed25519-cert-v01@openssh.com",
     "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAICNpvy62Cwv6JMs6fmW3b4BNoCGvdUeXvphwgv6P7PTk"
     "AAAAIBe9dVMAFtYZrxWHzrA7++rlcDfVat1RYt88vp04q9uZAAAAAAAAAAcAAAABAAAABWlkIGVkAAAAEAAAAAVhbGljZQAA"
     "AANib2IAAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdl"
     "bnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVy"
     "bWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgjbGN2w6p3liXLDwkICUOpbHPq99pVrVkBCD0IJFv"
     "bfIAAABTAAAAC3NzaC1lZDI1NTE5AAAAQMH5XguwUURLPkIa+KuZzGqSV7eVj77FpV3ZrhFO3rKRxpL0c8mjmNjePc+yW6MN"
     "Pduj9PGDzmTC7wGGAxj0Igs=",
     "SHA256:PMGHOymEYlK9vwLYV3L5DhJVhFFqXkS9A+ND7iaGpvw"},
    {"rsa certificate", "ssh-rsa-cert-v01@openssh.com",
     "AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg8gyEyClaSOVE1G9smUlbzSkKQTDbHa8/O/ePhoephokAAAAD"
     "AQABAAABAQCL/oBvUIXyH+QPbOHyj28Muh56rPp1jYQ9DBtz/a2xLDZTdLw+GGGmuWbraTpteJkz2zkUpWV+renQc3HtoeNZ"
     "RE4PaXY8wq7e9wPOZ/ADL4aKl40Uk+gOlLQacXlj7mdPCroWtSAhZy6ewY2W1aqLtju84acfJ3tivOqnHbfAOPB31BeLoX/6"
     "C/rZnwltStzAkqIP8d8XRm2J0khnXfXptxv6Qp6AinFtj5R2olX1QTZWLdT4aulbp9qaYiOcJP3mLjg8A7D0C7s4/GA/Ph+O"
     "T+PJ+XYfjmEt+yPzpD6SmIJy+O10CoKHd+8hIEAomCRAH6Xc9G+87+c7RcnMzonLAAAAAAAAAAcAAAABAAAABmlkIHJzYQAA"
     "ABAAAAAFYWxpY2UAAAADYm9iAAAAAAAAAAD//////////wAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwAAAAAA"
     "AAAXcGVybWl0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZvcndhcmRpbmcAAAAAAAAACnBlcm1pdC1w"
     "dHkAAAAAAAAADnBlcm1pdC11c2VyLXJjAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAII2xjdsOqd5Ylyw8JCAlDqWx"
     "z6vfaVa1ZAQg9CCRb23yAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEB5HAyeHvghXREs40atmXf5stgQ6cRL7HsH+3wJCcJYxw6H"
     "OfRtvhOU11gDersmPvj+zpBrtvo5dfFfUstGFJ4I",
     "SHA256:65LaKJu7EkM0xNbQHaobH3aNP8azoacy6QBGTtj3IIE"},
    {"ecdsa certificate", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
     "AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgyCtqxgM0FcVT4FeMY3VrAr3cpCmSsrRC"
     "Cjbq6LCEE6wAAAAIbmlzdHAyNTYAAABBBOrh4Ds8a09dgFZrKm6gZFVH4YHsORlmOIcmbdBqZa9UoTCSm+Zg+DKIOWEZTibX"
     "ole1NvvhUAuCLCYeTGb4UioAAAAAAAAABwAAAAEAAAAFaWQgZWMAAAAQAAAABWFsaWNlAAAAA2JvYgAAAAAAAAAA////////"
     "//8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAA"
     "ABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAA"
     "AAAAMwAAAAtzc2gtZWQyNTUxOQAAACCNsY3bDqneWJcsPCQgJQ6lsc+r32lWtWQEIPQgkW9t8gAAAFMAAAALc3NoLWVkMjU1"
     "MTkAAABAFKjf3djbOOpCMQJ/95XXTMn2Nm7QTyoIg8sK78WiPSYQ+pPTB+oQbicw5sbAtodySBh/N3lYzWyqDm4jzNv5AQ==",
     "SHA256:8reW1FCdsmijRIbB4rlk2kudVtqTSTCxQ9HYEmFV4nQ"},
};
constexpr const Key& ed25519 = keys[0];
constexpr const Key& certificate = keys[4];

std::string line(const Key& key, std::string_view method = "publickey") {
    return std::string(method) + ' ' + std::string(key.type) + ' ' + std::string(key.base64) + '\n';
}

void fingerprints_are_those_of_ssh_keygen() {
    for (const Key& key : keys) {
        const Credential credential = read_auth_info(line(key));
        EXPECT_TEXT(credential.method, "publickey");
        EXPECT(credential.fingerprint == key.fingerprint, key.name);
    }
}

struct Case {
    std::string_view what;
    std::string text;
    std::string_view method;
    std::string_view fingerprint;
};

void reads_the_lines_of_sshd() {
    const std::vector<Case> cases = {
        {"nothing", "", "", ""},
        {"password", "password\n", "password", ""},
        {"no line end", "password", "password", ""},
        {"submethod", "keyboard-interactive/pam\n", "keyboard-interactive", ""},
        {"more behind the method", "hostbased a b c\n", "hostbased", ""},
        {"key, then password", line(ed25519) + "password\n", "password", ed25519.fingerprint},
        {"password, then key", "password\n" + line(ed25519), "publickey", ed25519.fingerprint},
        {"two keys", line(ed25519) + line(keys[1]), "publickey", ed25519.fingerprint},
        {"more behind the key",
         "publickey " + std::string(ed25519.type) + ' ' + std::string(ed25519.base64) + " more of it\n", "publickey",
         ed25519.fingerprint},
        {"a host's key is not the user's", line(ed25519, "hostbased"), "hostbased", ""},
        {"empty lines", "\n\npassword\n\n", "password", ""},
    };
    for (const Case& one : cases) {
        const Credential credential = read_auth_info(one.text);
        EXPECT(credential.method == one.method, one.what);
        EXPECT(credential.fingerprint == one.fingerprint, one.what);
    }
}

void says_nothing_about_what_it_cannot_read() {
    const std::string good(ed25519.base64);
    const std::string type(ed25519.type);
    const std::string texts[] = {
        "publickey\n",
        "publickey \n",
        "publickey " + type + "\n",
        "publickey " + type + " \n",
        "publickey " + type + " !!!!\n",
        "publickey " + type + " AAAA\n",
        "publickey " + type + ' ' + good.substr(0, good.size() - 1) + "\n",
        "publickey ssh-rsa " + good + "\n",
        "publickey  " + type + ' ' + good + "\n",
        "publickey " + type + ' ' + std::string(20000, 'A') + "\n",
        "publickey ssh-ed25519 /////w==\n",                                        // a length of 4 GiB
        "publickey x-cert-v09@openssh.com AAAAGHgtY2VydC12MDlAb3BlbnNzaC5jb20=\n", // a certificate not known here
        "publickey " + std::string(certificate.type) + ' ' + std::string(certificate.base64.substr(0, 72)) + "\n",
    };
    for (const std::string& text : texts) {
        const Credential credential = read_auth_info(text);
        EXPECT_TEXT(credential.fingerprint, "");
        EXPECT(credential.method == "publickey", text);
    }
    EXPECT_TEXT(read_auth_info("\x1B[2J\n").method, "");
    EXPECT_TEXT(read_auth_info("a\0b\n"sv).method, "");
    EXPECT_TEXT(read_auth_info(std::string(65, 'm') + "\n").method, "");
    EXPECT_TEXT(read_auth_info(std::string(64, 'm') + "\n").method, std::string(64, 'm'));
}

void survives_every_cut_and_flip() {
    const std::string whole = line(certificate);
    std::size_t others = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
        (void)read_auth_info(std::string_view(whole).substr(0, i));
        for (const unsigned bit : {0u, 1u, 5u, 7u}) {
            std::string flipped = whole;
            flipped[i] = static_cast<char>(static_cast<unsigned char>(flipped[i]) ^ (1u << bit));
            others += read_auth_info(flipped).fingerprint != certificate.fingerprint ? 1u : 0u;
        }
    }
    EXPECT(others > 0, "a flipped bit in the key changes the fingerprint");
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        SESSLIMIT_TEST(fingerprints_are_those_of_ssh_keygen),
        SESSLIMIT_TEST(reads_the_lines_of_sshd),
        SESSLIMIT_TEST(says_nothing_about_what_it_cannot_read),
        SESSLIMIT_TEST(survives_every_cut_and_flip),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
