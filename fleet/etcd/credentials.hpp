// SPDX-License-Identifier: MIT
#pragma once

#include "common/clock.hpp"
#include "common/result.hpp"

#include <string>

namespace sesslimit::fleet::etcd {

/// The texts of the files for mutual TLS, in PEM.
struct Credentials {
    std::string ca{};          ///< Certificates of the authorities that may sign the certificates of etcd.
    std::string certificate{}; ///< Certificate of this host, followed by the certificates of its issuers.
    std::string key{};         ///< Private key of the certificate, without a passphrase.
    bool operator==(const Credentials&) const = default;
};

/// Properties of the certificate of this host.
struct CertificateInfo {
    std::string common_name; ///< Name of the etcd user. Not escaped; may be empty.
    WallTime expires{};
};

/// Checks that the texts contain certificates and a key, and that the key belongs to the certificate. An expired
/// certificate is not an error, because only etcd decides whether to accept it.
Result<CertificateInfo> check(const Credentials& credentials);

} // namespace sesslimit::fleet::etcd
