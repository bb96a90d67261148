//! Puppet Server, v3 and v4. A replica has one of its own and does everything.

use super::{Known, Rows, again, read};

pub(super) const ROWS: Rows = Rows {
    get: GET,
    post: POST,
    put: PUT,
    delete: &[],
};

const GET: &[Known] = &[
    read("/puppet/v3/node/*", "looks up how a node is classified"),
    read("/puppet/v3/catalog/*", CATALOG).long(),
    read("/puppet/v3/file_metadata/**", FILES),
    read("/puppet/v3/file_metadatas/**", FILES),
    read("/puppet/v3/file_content/**", FILES),
    read(
        "/puppet/v3/static_file_content/**",
        "reads a file of a version of the code; the same at every server that has the version",
    ),
    read(
        "/puppet/v3/file_bucket_file/**",
        "reads what was backed up; each server has a bucket of its own, so another may not have it",
    ),
    read("/puppet/v3/environments", CODE),
    read("/puppet/v3/environment/*", CODE),
    read("/puppet/v3/environment_classes", PARSES).long(),
    read("/puppet/v3/environment_modules", CODE),
    read("/puppet/v3/environment_transports", PARSES).long(),
    read("/puppet/v3/tasks", CODE),
    read("/puppet/v3/tasks/*/*", CODE),
    read("/puppet/v3/plans", CODE),
    read("/puppet/v3/plans/*/*", CODE),
    read("/puppet/v3/status/*", "says that the server runs"),
];

const POST: &[Known] = &[
    read("/puppet/v3/catalog/*", CATALOG).long(),
    read("/puppet/v4/catalog", CATALOG).long(),
    read("/puppet/v3/compile", COMPILE).long(),
    read("/puppet/v4/compile", COMPILE).long(),
];

const PUT: &[Known] = &[
    again(
        "/puppet/v3/report/*",
        "PuppetDB knows a report again by its content; a report processor that sends mail sends it twice",
    )
    .long(),
    again(
        "/puppet/v3/facts/*",
        "the last facts of a node are kept, and these are the same",
    ),
    again(
        "/puppet/v3/file_bucket_file/**",
        "a bucket knows a file again by its checksum",
    ),
];

const CATALOG: &str = "compiles anew each time; of what PuppetDB is told about it the newest wins";
const COMPILE: &str = "compiles a part of a plan; nothing of it is kept";
const FILES: &str = "reads files of a mount";
const CODE: &str = "lists what the code has";
const PARSES: &str = "parses all code of an environment where it is not cached";
