//! File sync, v1, and the repositories beside it. A replica's is read-only. Puppet Enterprise documents
//! it for information only.

use super::{Known, Rows, once, read};

pub(super) const ROWS: Rows = Rows {
    get: GET,
    post: POST,
    put: &[],
    delete: &[],
};

const GET: &[Known] = &[
    read("/file-sync/v1/latest-commits", COMMITS),
    read("/file-sync-git/**", "git reads a repository").long(),
];

const POST: &[Known] = &[
    read("/file-sync/v1/latest-commits", COMMITS),
    read(
        "/file-sync-git/*/git-upload-pack",
        "git fetches: upload is the server's word",
    )
    .long(),
    once("/file-sync-git/*/git-receive-pack", "git pushes").long(),
    once("/file-sync/v1/publish", COMMIT).long(),
    once("/file-sync/v1/commit", COMMIT).long(),
    once(
        "/file-sync/v1/force-sync",
        "has one server fetch code now; at another it would be another's code",
    )
    .long(),
];

const COMMITS: &str = "reads the last version of each repository";
const COMMIT: &str = "makes a version of the code that is staged; twice makes two";
