//! Code Manager, v1. A replica serves nothing of it until it is promoted, not even reads.

use super::{Known, Rows, once, read};

pub(super) const ROWS: Rows = Rows {
    get: &[read(
        "/code-manager/v1/deploys/status",
        "reads how deploys go",
    )],
    post: POST,
    put: &[],
    delete: &[],
};

const POST: &[Known] = &[
    once("/code-manager/v1/deploys", DEPLOYS).long(),
    once("/code-manager/v1/webhook", DEPLOYS),
];

const DEPLOYS: &str = "deploys code; twice deploys twice, and the second may bring newer code";
