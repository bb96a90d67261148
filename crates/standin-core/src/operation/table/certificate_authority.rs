//! Puppet CA, v1. A replica serves nothing of it until it is promoted, not even reads.

use super::{Known, Rows, once, read};

pub(super) const ROWS: Rows = Rows {
    get: GET,
    post: POST,
    put: PUT,
    delete: DELETE,
};

const GET: &[Known] = &[
    read("/puppet-ca/v1/certificate/*", "reads a certificate"),
    read("/puppet-ca/v1/certificate_request/*", "reads a request"),
    read(
        "/puppet-ca/v1/certificate_revocation_list/*",
        "reads the list; an old one would hide what was revoked",
    ),
    read("/puppet-ca/v1/certificate_status/*", "reads a state"),
    read("/puppet-ca/v1/certificate_statuses/*", "reads all states"),
    read("/puppet-ca/v1/expirations", "reads when the CA's own end"),
];

const POST: &[Known] = &[
    once("/puppet-ca/v1/sign", SIGN),
    once("/puppet-ca/v1/sign/all", SIGN).long(),
    once(
        "/puppet-ca/v1/certificate_renewal",
        "issues a certificate with a serial number of its own each time",
    ),
];

const PUT: &[Known] = &[
    once(
        "/puppet-ca/v1/certificate_request/*",
        "a name has one request: the second is refused, or signed once more where requests are signed at once",
    ),
    once(
        "/puppet-ca/v1/certificate_revocation_list/*",
        "replaces lists, and newer ones may have come between",
    ),
    once(
        "/puppet-ca/v1/certificate_status/*",
        "signs or revokes; between two of them somebody else may have done the other",
    ),
    once(
        "/puppet-ca/v1/clean",
        "revokes and deletes by name, and a new certificate may have taken the name",
    )
    .long(),
];

const DELETE: &[Known] = &[
    once("/puppet-ca/v1/certificate_request/*", DELETES),
    once("/puppet-ca/v1/certificate_status/*", DELETES),
];

const SIGN: &str = "issues certificates; one that was signed is not waiting any more";
const DELETES: &str = "deletes by name, and a new request may have taken the name";
