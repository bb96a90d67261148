//! The activity service, v1 and v2. A replica's is read-only.

use super::{Known, Rows, once, read};

pub(super) const ROWS: Rows = Rows {
    get: GET,
    post: POST,
    put: &[],
    delete: &[],
};

const GET: &[Known] = &[
    read("/activity-api/v1/events", EVENTS),
    read("/activity-api/v1/events.csv", EVENTS),
    read("/activity-api/v2/events", EVENTS),
    read("/activity-api/v2/events.csv", EVENTS),
];

const POST: &[Known] = &[
    once("/activity-api/v1/events", RECORD),
    once("/activity-api/v2/events", RECORD),
];

const EVENTS: &str = "reads who changed what";
const RECORD: &str = "records what other services did; twice makes two records of one change";
