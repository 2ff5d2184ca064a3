// SPDX-License-Identifier: MIT
#include "fleet/etcd/credentials.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>
#include <memory>

namespace sesslimit::fleet::etcd {
namespace {

struct Free {
    void operator()(BIO* source) const noexcept { BIO_free(source); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
template <class Type>
using Owned = std::unique_ptr<Type, Free>;

Owned<BIO> source_of(const std::string& text) {
    return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Replaces the passphrase prompt of OpenSSL, which would read from the terminal.
int no_passphrase(char*, int, int, void*) {
    return 0;
}

Owned<X509> first_certificate(const std::string& text) {
    return Owned<X509>(PEM_read_bio_X509(source_of(text).get(), nullptr, &no_passphrase, nullptr));
}

std::string common_name_of(const X509* certificate) {
    std::array<char, 257> name{};
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                                               static_cast<int>(name.size()));
    return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : std::string();
}

WallTime expiry_of(const X509* certificate) {
    std::tm expires{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &expires) != 1) {
        return {};
    }
    return WallTime(std::chrono::seconds(timegm(&expires)));
}

} // namespace

Result<CertificateInfo> check(const Credentials& credentials) {
    ERR_clear_error();
    if (!first_certificate(credentials.ca)) {
        return fail("the file of \"ca\" contains no certificate in PEM");
    }
    const auto certificate = first_certificate(credentials.certificate);
    if (!certificate) {
        return fail("the file of \"certificate\" contains no certificate in PEM");
    }
    const Owned<EVP_PKEY> key(
        PEM_read_bio_PrivateKey(source_of(credentials.key).get(), nullptr, &no_passphrase, nullptr));
    if (!key) {
        return fail("the file of \"key\" contains no private key in PEM, or one with a passphrase");
    }
    if (X509_check_private_key(certificate.get(), key.get()) != 1) {
        return fail("the files of \"certificate\" and \"key\" do not belong together");
    }
    return CertificateInfo{common_name_of(certificate.get()), expiry_of(certificate.get())};
}

} // namespace sesslimit::fleet::etcd
