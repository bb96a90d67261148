//! PuppetDB: query v4, commands v1, meta, ext and admin. A replica's takes reads and writes, and both are
//! synced.

use super::{Known, Rows, again, once, read};

pub(super) const ROWS: Rows = Rows {
    get: GET,
    post: POST,
    put: &[],
    delete: &[],
};

const GET: &[Known] = &[
    read("/pdb/query/v4", QUERY),
    read("/pdb/query/v4/nodes/**", QUERY),
    read("/pdb/query/v4/resources/**", QUERY),
    read("/pdb/query/v4/facts/**", QUERY),
    read("/pdb/query/v4/catalogs/**", QUERY),
    read("/pdb/query/v4/factsets/**", QUERY),
    read("/pdb/query/v4/reports/**", QUERY),
    read("/pdb/query/v4/events/**", QUERY),
    read("/pdb/query/v4/inventory", QUERY),
    read("/pdb/query/v4/environments/**", QUERY),
    read("/pdb/query/v4/producers/**", QUERY),
    read("/pdb/query/v4/fact-names", QUERY),
    read("/pdb/query/v4/fact-paths", QUERY),
    read("/pdb/query/v4/fact-contents", QUERY),
    read("/pdb/query/v4/edges", QUERY),
    read("/pdb/query/v4/event-counts", QUERY),
    read("/pdb/query/v4/aggregate-event-counts", QUERY),
    read("/pdb/query/v4/packages", QUERY),
    read("/pdb/query/v4/package-inventory/**", QUERY),
    read("/pdb/query/v4/catalog-inputs", QUERY),
    read("/pdb/query/v4/catalog-input-contents", QUERY),
    read("/pdb/meta/v1/version", META),
    read("/pdb/meta/v1/version/latest", META),
    read("/pdb/meta/v1/server-time", META),
    read("/pdb/ext/v1/state-overview", QUERY),
    read("/pdb/ext/v1/resource-graphs/**", QUERY),
    read("/pdb/admin/v1/archive", "exports all of a database").long(),
    read("/pdb/admin/v1/summary-stats", STATISTICS).long(),
];

const POST: &[Known] = &[
    read(
        "/pdb/query/v4/**",
        "a query that travels as POST because it is long",
    ),
    again(
        "/pdb/cmd/v1",
        "the newest producer timestamp wins; a command without one wins again each time and is not repeated",
    ),
    once(
        "/pdb/admin/v1/archive",
        "imports thousands of commands, half of which may be in already",
    )
    .long(),
    once(
        "/pdb/admin/v1/cmd",
        "cleans or deletes in a database; what it deletes may have been stored anew between",
    )
    .long(),
    read("/pdb/admin/v1/summary-stats", STATISTICS).long(),
];

const QUERY: &str = "a query";
const META: &str = "says something of the program; it is answered while the database is down";
const STATISTICS: &str = "counts rows in every table";
