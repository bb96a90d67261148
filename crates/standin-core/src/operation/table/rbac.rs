//! Role-based access control, v1 and v2. A replica's is read-only.

use super::{Known, Rows, again, once, read};

pub(super) const ROWS: Rows = Rows {
    get: GET,
    post: POST,
    put: PUT,
    delete: DELETE,
};

const GET: &[Known] = &[
    read("/rbac-api/v1/users", USERS),
    read("/rbac-api/v1/users/*", USERS),
    read("/rbac-api/v1/users/*/tokens", "lists tokens"),
    read("/rbac-api/v2/users", USERS),
    read("/rbac-api/v1/groups", "lists user groups"),
    read("/rbac-api/v1/groups/*", "lists user groups"),
    read("/rbac-api/v1/roles", "lists roles"),
    read("/rbac-api/v1/roles/*", "lists roles"),
    read("/rbac-api/v1/types", "lists what can be permitted"),
    read("/rbac-api/v1/permitted/*/*", PERMITTED),
    read("/rbac-api/v1/permitted/*/*/*", PERMITTED),
    read("/rbac-api/v1/ds", DIRECTORY),
    read("/rbac-api/v1/ds/test", TESTS),
    read("/rbac-api/v2/ds", DIRECTORY),
    read("/rbac-api/v2/ldap", DIRECTORY),
    read("/rbac-api/v2/ldap/*", DIRECTORY),
    read("/rbac-api/v1/saml", "reads settings"),
    read("/rbac-api/v1/saml/meta", "reads settings"),
    read("/rbac-api/v1/config/disclaimer", "reads settings"),
];

const POST: &[Known] = &[
    again(
        "/rbac-api/v2/auth/token/authenticate",
        "notes when the token was last used, twice the same; a read if update_last_activity? is false",
    ),
    read("/rbac-api/v1/permitted", PERMITTED),
    read("/rbac-api/v1/command/validate-password", VALIDATES),
    read("/rbac-api/v1/command/validate-login", VALIDATES),
    read("/rbac-api/v1/command/ldap/test", TESTS),
    once("/rbac-api/v1/auth/token", TOKEN),
    once("/rbac-api/v1/tokens", TOKEN),
    once(
        "/rbac-api/v1/auth/reset",
        "uses up a token of one use; the second is refused",
    ),
    once(
        "/rbac-api/v1/users/*/password/reset",
        "makes a token of one use, another one each time",
    ),
    once("/rbac-api/v1/users", MAKES),
    once("/rbac-api/v1/groups", MAKES),
    once("/rbac-api/v2/groups", MAKES),
    once("/rbac-api/v1/roles", MAKES),
    once("/rbac-api/v1/command/users/create", MAKES),
    once("/rbac-api/v1/command/users/add-roles", EDIT),
    once("/rbac-api/v1/command/users/remove-roles", EDIT),
    once("/rbac-api/v1/command/users/revoke", EDIT),
    once("/rbac-api/v1/command/users/reinstate", EDIT),
    once("/rbac-api/v1/command/groups/create", MAKES),
    once("/rbac-api/v1/command/roles/add-users", EDIT),
    once("/rbac-api/v1/command/roles/remove-users", EDIT),
    once("/rbac-api/v1/command/roles/add-groups", EDIT),
    once("/rbac-api/v1/command/roles/remove-groups", EDIT),
    once("/rbac-api/v1/command/roles/add-permissions", EDIT),
    once("/rbac-api/v1/command/roles/remove-permissions", EDIT),
    once("/rbac-api/v1/command/ldap/create", MAKES),
    once("/rbac-api/v1/command/ldap/update", EDIT),
    once("/rbac-api/v1/command/ldap/delete", EDIT),
    once("/rbac-api/v1/command/config/set-disclaimer", EDIT),
    once("/rbac-api/v1/command/config/remove-disclaimer", EDIT),
];

const PUT: &[Known] = &[
    read("/rbac-api/v1/ds/test", TESTS),
    once("/rbac-api/v1/users/*", EDIT),
    once(
        "/rbac-api/v1/users/current/password",
        "names the present password, which is another the second time",
    ),
    once("/rbac-api/v1/groups/*", EDIT),
    once("/rbac-api/v1/roles/*", EDIT),
    once("/rbac-api/v1/ds", EDIT),
    once("/rbac-api/v1/saml", EDIT),
];

const DELETE: &[Known] = &[
    once("/rbac-api/v1/users/*", EDIT),
    once("/rbac-api/v1/groups/*", EDIT),
    once("/rbac-api/v1/roles/*", EDIT),
    once("/rbac-api/v1/saml", EDIT),
    once(
        "/rbac-api/v2/tokens",
        "revokes by user or label, and new tokens may have come between",
    ),
    once("/rbac-api/v2/tokens/*", EDIT),
];

const USERS: &str = "reads users";
const PERMITTED: &str = "asks what somebody may do";
const DIRECTORY: &str = "reads the settings of the directory service";
const TESTS: &str = "tries a connection to a directory service; nothing is kept";
const VALIDATES: &str = "says whether a text would do; nothing is kept";
const TOKEN: &str = "makes a token, another one each time";
const MAKES: &str = "makes one; the second is another, or is refused for its name";
const EDIT: &str = "an edit; somebody else's may have come between two of them";
