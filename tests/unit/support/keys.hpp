// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace sesslimit::test {

/// Public keys and certificates made by ssh-keygen 9.2, and the output of its options -l and -L.
struct Key {
    std::string_view name;
    std::string_view type;
    std::string_view base64;
    std::string_view fingerprint;
    std::string_view certificate_id = {};
    std::string_view ca = {};
};

inline constexpr Key keys[] = {
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
     "SHA256:PMGHOymEYlK9vwLYV3L5DhJVhFFqXkS9A+ND7iaGpvw", "id ed",
     "SHA256:xv69rfhchGur538extuc+ur/ppnawaxL+3ybJOaec6w"},
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
     "SHA256:65LaKJu7EkM0xNbQHaobH3aNP8azoacy6QBGTtj3IIE", "id rsa",
     "SHA256:xv69rfhchGur538extuc+ur/ppnawaxL+3ybJOaec6w"},
    {"ecdsa certificate", "ecdsa-sha2-nistp256-cert-v01@openssh.com",
     "AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgyCtqxgM0FcVT4FeMY3VrAr3cpCmSsrRC"
     "Cjbq6LCEE6wAAAAIbmlzdHAyNTYAAABBBOrh4Ds8a09dgFZrKm6gZFVH4YHsORlmOIcmbdBqZa9UoTCSm+Zg+DKIOWEZTibX"
     "ole1NvvhUAuCLCYeTGb4UioAAAAAAAAABwAAAAEAAAAFaWQgZWMAAAAQAAAABWFsaWNlAAAAA2JvYgAAAAAAAAAA////////"
     "//8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAA"
     "ABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAA"
     "AAAAMwAAAAtzc2gtZWQyNTUxOQAAACCNsY3bDqneWJcsPCQgJQ6lsc+r32lWtWQEIPQgkW9t8gAAAFMAAAALc3NoLWVkMjU1"
     "MTkAAABAFKjf3djbOOpCMQJ/95XXTMn2Nm7QTyoIg8sK78WiPSYQ+pPTB+oQbicw5sbAtodySBh/N3lYzWyqDm4jzNv5AQ==",
     "SHA256:8reW1FCdsmijRIbB4rlk2kudVtqTSTCxQ9HYEmFV4nQ", "id ec",
     "SHA256:xv69rfhchGur538extuc+ur/ppnawaxL+3ybJOaec6w"},
    {"ecdsa 384 certificate of an ecdsa CA", "ecdsa-sha2-nistp384-cert-v01@openssh.com",
     "AAAAKGVjZHNhLXNoYTItbmlzdHAzODQtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgOndRXUr60oKmnPSQx54hn1hPwjh0aAAH"
     "Wnpf7DEF9zIAAAAIbmlzdHAzODQAAABhBJIUvlZ4G/sY8LqirAk6kGy8DgTn7iw+bqAP1M0QSKXGayGKLSHScrqq/MspEiZh"
     "WjQDLrFZF58GoPVmSB9+RbM0VuVpjdlXbnEW4jq6TsOyGj6Po7nkA6QcFdK92s0Bzv//////////AAAAAQAAAAXDpOKCrAAA"
     "AAkAAAAFYWxpY2UAAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJt"
     "aXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAA"
     "AAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAEEEEAxP"
     "otOabNB4eCkb4ZJWugx2CNbF9iwihv06+WQFqKD4ZDv/e9byJOXUfCiyHxf79C0Ggv/rX68ePtdTJcfVcQAAAGQAAAATZWNk"
     "c2Etc2hhMi1uaXN0cDI1NgAAAEkAAAAhAJAFZ/izLfjzSvI/ascO9jUUFYEMg1JAZjCIuGo70Ox2AAAAIDYvRwnW1kGavLPM"
     "eLk5aGaXA5lfKgol/Rc0kk71OjW5",
     "SHA256:+WSWVzs5eXkbzpDQCFyQ3eAQ8ndv8k18WjxBnIY92tM", "ä€", "SHA256:sLW09vuC292Yiv9y6/RvfS+PKtWKBk/kObPQ31ccgEE"},
    {"ecdsa 521 certificate with options", "ecdsa-sha2-nistp521-cert-v01@openssh.com",
     "AAAAKGVjZHNhLXNoYTItbmlzdHA1MjEtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgPh0pc8xmuSkGr0jb2Kp8LY77+VAsj272"
     "U99946y+Bk4AAAAIbmlzdHA1MjEAAACFBACEPanLL5OsiFPYrxRNzFwYqJcVCsuIBmkbBn/8F4eCHZh4qrVriVJyrXXxJQoB"
     "+WX30sL4zaTCJ9+axvGwaMOI8AH4MFnfupXCrJiQ9HNH3+G09GGhEC130D6q8tMARmwUc4IHWQgHaLtaB2fToRm/cyXHwwIX"
     "QPK6HgdD+HJ4WOacvQAAAAAAAAAAAAAAAQAAAARmaXZlAAAACQAAAAVhbGljZQAAAABrAmT6AAAAAGsFB/oAAABGAAAADWZv"
     "cmNlLWNvbW1hbmQAAAANAAAACS9iaW4vdHJ1ZQAAAA5zb3VyY2UtYWRkcmVzcwAAAA4AAAAKMTAuMC4wLjAvOAAAAIIAAAAV"
     "cGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQt"
     "Zm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVk"
     "MjU1MTkAAAAg9146b4ZuYyw0c6z4XuCWKQaAqJBGt2yZQw7JxswcbHoAAABTAAAAC3NzaC1lZDI1NTE5AAAAQM4Ly2mex4g9"
     "0tu+lAOWK//dGZaS6BzD/YyMMasft25mPZTTJzoFtY9LwWlZFSQVo9UCF/nWOQRz7qD4fe1d+Q4=",
     "SHA256:S47bDGqXHgFXbxZPfVw/b2oZW51LyuzOOSKE6ACTqng", "five",
     "SHA256:rCcfpUK7wFFIRygvEJwep8GV+uspVrTZ9GgpqSacTR0"},
    {"security key ed25519 certificate of an rsa CA", "sk-ssh-ed25519-cert-v01@openssh.com",
     "AAAAI3NrLXNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIG2WX3pZlMjpDEii23RUhyuhquQ36yUTD6Fln+as"
     "5dNpAAAAIGeD+i7aduXzNP2ktZr4X1JXve2HieKdDWwiC+ymMe75AAAABHNzaDoAAAAAAAAAAAAAAAEAAAAMc2sgZWQgb2Yg"
     "YW5uAAAACQAAAAVhbGljZQAAAAAAAAAA//////////8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAA"
     "F3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5"
     "AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAABFwAAAAdzc2gtcnNhAAAAAwEAAQAAAQEA1qa3rU8fdQ9zfT91d7E9"
     "PuMfTY6eGdm9Z5b3iZG99OutLdTgNYA2q8Bd55YPFu8e2hf6O2qy5vBZu4Ch3TIkiNUf78HfMgal6Y9t2K3Kl6DOI4khqAC8"
     "ng5CqSEECJcgniJEjx9tVKLBDSZqTYcCXemiVJxzCsqR/U/kUTj5SNcdxu06v6AISVJynr1bmlz+P2ldk88lzpG4l9Yza/BT"
     "5M69/9PEcVWzYXsZkyTdlRZ/QuGKw0oLbITRndK7RsYTE426wjlEu4hgpNuyYwAeqg01KRbsO3UjmqkwBuM02C1k0WjGFC09"
     "eu16HsSQDnfp+/Vr8b8unSRlgX3+KpeyVwAAARQAAAAMcnNhLXNoYTItNTEyAAABAKrrMKUtx+PEuxpZWpemLxcnmXgYxk8L"
     "jzPiG7n3FZly/nN1sUgwK6hGmU++TVUSH5G2XtvUMjjN/xeMjaf5bCL1Jw/GMWGrOOs9lnhod+8HVewdW1IpOp12ycd2k0+v"
     "zZdQLG+MKKeb/7fmSg8LfqpbvjdefurbgvZDEkxs6nXfC0QkI94qzqgwRuUSW1ul8zcm0SAzh+da5/QElkxQ9ymWJjPQfKMl"
     "ftGG3SiJ4BC/FnqoFpTZWC4WKEbPxAHLu5zQpoi4AViSOcZKlKqzuXr1slVB9vNAmxPxrnEs3GUmM5tKMUPOqvTakH6z34Mh"
     "mRbFxhDeRJL6HLwn7vxScPU=",
     "SHA256:gzJuDCsIADIejJbKVmqpkZ9dK/Ha1cxed3W7PdgjLKM", "sk ed of ann",
     "SHA256:iBoigH3vHlzdtyck1gCV1EVLOimtcnZBWIU9uVcFfj0"},
    {"security key ecdsa certificate", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
     "AAAAK3NrLWVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAglIVzFMoeOsFf37frga1bt+4nr9zT"
     "rg4x9BWNyVnAr6sAAAAIbmlzdHAyNTYAAABBBBAMT6LTmmzQeHgpG+GSVroMdgjWxfYsIob9OvlkBaig+GQ7/3vW8iTl1Hwo"
     "sh8X+/QtBoL/61+vHj7XUyXH1XEAAAAEc3NoOgAAAAAAAAAAAAAAAQAAABFzay9lYz0xLCAicXVvdGVkIgAAAAkAAAAFYWxp"
     "Y2UAAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQt"
     "Zm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0"
     "LXVzZXItcmMAAAAAAAAAAAAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAEEEEAxPotOabNB4eCkb"
     "4ZJWugx2CNbF9iwihv06+WQFqKD4ZDv/e9byJOXUfCiyHxf79C0Ggv/rX68ePtdTJcfVcQAAAGQAAAATZWNkc2Etc2hhMi1u"
     "aXN0cDI1NgAAAEkAAAAgfFHiSFoOj2BEAA5ExlR1Dn5U54N+a40PXh7dW4rDm1IAAAAhANeIvBf4t5dQdL9DssnJiOVKcniw"
     "mv9vHBWlPdg0Qh5B",
     "SHA256:xuRSynY1z7ayiEpu7dKWlIYEYnKp4AwTOmOEPAVFJoY", "sk/ec=1, \"quoted\"",
     "SHA256:sLW09vuC292Yiv9y6/RvfS+PKtWKBk/kObPQ31ccgEE"},
    {"certificate with the longest id", "ssh-ed25519-cert-v01@openssh.com",
     "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIC24naR2G8CN/w+z1W0nSiFADeA68TUTF8mCxfyExbG8"
     "AAAAIGeD+i7aduXzNP2ktZr4X1JXve2HieKdDWwiC+ymMe75AAAAAAAAAAAAAAABAAAAgGlpaWlpaWlpaWlpaWlpaWlpaWlp"
     "aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlp"
     "aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpAAAACQAAAAVhbGljZQAAAAAAAAAA//////////8AAAAAAAAA"
     "ggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQt"
     "cG9ydC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAAAMwAAAAtz"
     "c2gtZWQyNTUxOQAAACD3Xjpvhm5jLDRzrPhe4JYpBoCokEa3bJlDDsnGzBxsegAAAFMAAAALc3NoLWVkMjU1MTkAAABAjmkM"
     "UqQ7klE6rF4+zI1PF+ruXBUf7lsIMGPg2/rio7K8rv0Ufvp2X3BFliI5bKIunhPpI0BOF8KxpADSsy+ACQ==",
     "SHA256:DWXGUtW9KGqhyoVvULJlOPY+clyHwbpX6wYm1cd14Y4",
     "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii"
     "iiiiiiiiiiiiiii",
     "SHA256:rCcfpUK7wFFIRygvEJwep8GV+uspVrTZ9GgpqSacTR0"},
    {"certificate with an id that is too long", "ssh-ed25519-cert-v01@openssh.com",
     "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIH1pHvX332kAVUXl3kQQYGSDvE1/MpoiUpdQiOEFD+hK"
     "AAAAIGeD+i7aduXzNP2ktZr4X1JXve2HieKdDWwiC+ymMe75AAAAAAAAAAAAAAABAAAAgWlpaWlpaWlpaWlpaWlpaWlpaWlp"
     "aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlp"
     "aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaQAAAAkAAAAFYWxpY2UAAAAAAAAAAP//////////AAAAAAAA"
     "AIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0"
     "LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAAL"
     "c3NoLWVkMjU1MTkAAAAg9146b4ZuYyw0c6z4XuCWKQaAqJBGt2yZQw7JxswcbHoAAABTAAAAC3NzaC1lZDI1NTE5AAAAQB//"
     "31NpIzfYxoyk8QX8mSfAQRJtgqcFw04K+fpPkqhqcad55puBLx/akX670CIbI1oiLAvwIisgJ3JffK5MwwM=",
     "SHA256:DWXGUtW9KGqhyoVvULJlOPY+clyHwbpX6wYm1cd14Y4", "", "SHA256:rCcfpUK7wFFIRygvEJwep8GV+uspVrTZ9GgpqSacTR0"},
    {"certificate without an id", "ssh-ed25519-cert-v01@openssh.com",
     "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIHCpJkdjCwl/MFaGtiSJN3RuhjcbLDqGxbg2+IDGI20f"
     "AAAAIGeD+i7aduXzNP2ktZr4X1JXve2HieKdDWwiC+ymMe75AAAAAAAAAAAAAAABAAAAAAAAAAkAAAAFYWxpY2UAAAAAAAAA"
     "AP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGlu"
     "ZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMA"
     "AAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAg9146b4ZuYyw0c6z4XuCWKQaAqJBGt2yZQw7JxswcbHoAAABTAAAAC3Nz"
     "aC1lZDI1NTE5AAAAQImZNiCrcrFX4U729wubd9tFepywBosiJsdO0ZLmpVpwiaGuOKTwCmWokdUBHCQzYBWqA2Byxaqz7B//"
     "7CD4rAo=",
     "SHA256:DWXGUtW9KGqhyoVvULJlOPY+clyHwbpX6wYm1cd14Y4", "", "SHA256:rCcfpUK7wFFIRygvEJwep8GV+uspVrTZ9GgpqSacTR0"},
};

} // namespace sesslimit::test
