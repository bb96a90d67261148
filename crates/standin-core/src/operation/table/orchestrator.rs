//! The orchestrator, v1. A replica serves nothing of it until it is promoted, not even reads.

use super::{Known, Rows, once, read};

pub(super) const ROWS: Rows = Rows {
    get: GET,
    post: POST,
    put: PUT,
    delete: DELETE,
};

const GET: &[Known] = &[
    read("/orchestrator", "says what there is"),
    read("/orchestrator/v1", "says what there is"),
    read("/orchestrator/v1/jobs/**", JOBS),
    read("/orchestrator/v1/plan_jobs/**", JOBS),
    read("/orchestrator/v1/scheduled_jobs/**", JOBS),
    read("/orchestrator/v1/environments/**", "lists environments"),
    read("/orchestrator/v1/tasks/**", "lists tasks"),
    read("/orchestrator/v1/plans/**", "lists plans"),
    read(
        "/orchestrator/v1/scopes/task_targets/**",
        "lists task-targets",
    ),
    read("/orchestrator/v1/inventory", INVENTORY),
    read("/orchestrator/v1/inventory/*", INVENTORY),
    read("/orchestrator/v1/usage", "counts nodes in use"),
];

const POST: &[Known] = &[
    once("/orchestrator/v1/command/deploy", STARTS),
    once("/orchestrator/v1/command/task", STARTS),
    once("/orchestrator/v1/command/plan_run", STARTS),
    once("/orchestrator/v1/command/environment_plan_run", STARTS),
    once("/orchestrator/v1/command/plan_start", STARTS),
    once("/orchestrator/v1/command/plan_finish", STOPS),
    once("/orchestrator/v1/command/stop", STOPS),
    once("/orchestrator/v1/command/stop_plan", STOPS),
    once("/orchestrator/v1/command/schedule_deploy", SCHEDULES),
    once("/orchestrator/v1/command/schedule_task", SCHEDULES),
    once("/orchestrator/v1/command/schedule_plan", SCHEDULES),
    once(
        "/orchestrator/v1/command/task_target",
        "makes a task-target with an id of its own each time",
    ),
    read(
        "/orchestrator/v1/inventory",
        "asks which of many nodes are connected; the names travel as POST because they are many",
    ),
    once(
        "/orchestrator/v1/scheduled_jobs/environment_jobs",
        SCHEDULES,
    ),
];

const PUT: &[Known] = &[once(
    "/orchestrator/v1/scheduled_jobs/environment_jobs/*",
    EDIT,
)];

const DELETE: &[Known] = &[
    once("/orchestrator/v1/scheduled_jobs/*", EDIT),
    once("/orchestrator/v1/scheduled_jobs/environment_jobs/*", EDIT),
];

const JOBS: &str = "reads how jobs go";
const INVENTORY: &str = "lists nodes that are connected";
const STARTS: &str = "starts a job; twice starts two";
const STOPS: &str = "acts on a job that may have changed between";
const SCHEDULES: &str = "plans a job; twice it is run twice";
const EDIT: &str = "an edit; somebody else's may have come between two of them";
