//! The node classifier, v1 and v2. A replica's is read-only.

use super::{Known, Rows, again, once, read};

pub(super) const ROWS: Rows = Rows {
    get: GET,
    post: POST,
    put: PUT,
    delete: DELETE,
};

const GET: &[Known] = &[
    read("/classifier-api/v1/groups", "lists groups"),
    read("/classifier-api/v1/groups/*", "reads a group"),
    read(
        "/classifier-api/v1/groups/*/rules",
        "reads the rules of a group",
    ),
    read(
        "/classifier-api/v1/groups/*/nodes",
        "lists the nodes of a group",
    ),
    read("/classifier-api/v1/group-children/*", "lists groups"),
    read("/classifier-api/v1/classes", CLASSES),
    read("/classifier-api/v1/environments", "lists environments"),
    read(
        "/classifier-api/v1/environments/*",
        "looks an environment up",
    ),
    read("/classifier-api/v1/environments/*/classes", CLASSES),
    read("/classifier-api/v1/environments/*/classes/*", CLASSES),
    read("/classifier-api/v1/nodes", HISTORY),
    read("/classifier-api/v1/nodes/*", HISTORY),
    read("/classifier-api/v1/last-class-update", "reads a time"),
];

const POST: &[Known] = &[
    read("/classifier-api/v1/classified/nodes/*", CLASSIFIES),
    read("/classifier-api/v2/classified/nodes/*", CLASSIFIES),
    read(
        "/classifier-api/v1/classified/nodes/*/explanation",
        CLASSIFIES,
    ),
    read(
        "/classifier-api/v2/classified/nodes/*/explanation",
        CLASSIFIES,
    ),
    read(
        "/classifier-api/v1/rules/translate",
        "turns a rule into a query of PuppetDB; a calculation",
    ),
    read(
        "/classifier-api/v1/validate/group",
        "says whether a group could be made; it is not",
    ),
    once(
        "/classifier-api/v1/groups",
        "makes a group with an id of its own each time",
    ),
    once("/classifier-api/v1/groups/*", EDIT),
    once("/classifier-api/v1/groups/*/pin", EDIT),
    once("/classifier-api/v1/groups/*/unpin", EDIT),
    once("/classifier-api/v1/commands/unpin-from-all", EDIT),
    once(
        "/classifier-api/v1/import-hierarchy",
        "replaces all groups, and with them what was edited between",
    ),
    again(
        "/classifier-api/v1/update-classes",
        "reads all classes from Puppet Server; twice it reads the same",
    )
    .long(),
];

const PUT: &[Known] = &[
    once("/classifier-api/v1/groups/*", EDIT),
    once("/classifier-api/v1/environments/*", EDIT),
];

const DELETE: &[Known] = &[once("/classifier-api/v1/groups/*", EDIT)];

const CLASSIFIES: &str =
    "a calculation; the record of check-ins that a master may keep is not what is asked for";
const CLASSES: &str = "lists classes as last read from Puppet Server";
const HISTORY: &str = "reads the record of check-ins";
const EDIT: &str = "an edit; somebody else's may have come between two of them";
