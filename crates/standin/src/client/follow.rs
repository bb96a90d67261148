//! Follows redirects.

use http::Response;
use http::uri::PathAndQuery;
use standin_core::{Role, Server};

use super::as_it_is::role_of;
use crate::https::ResponseBody;
use crate::redirect::{self, Again, REDIRECTS_MOST};
use crate::shared::Shared;
use crate::{Client, Deadline, Error, ErrorKind, RedirectError, Served};

impl Client {
    /// Goes where an answer says that the answer lies.
    pub(super) async fn follow(
        &self,
        shared: &Shared,
        mut again: Option<Box<Again>>,
        named: Option<Server>,
        mut response: Response<ResponseBody>,
    ) -> Result<Response<ResponseBody>, Error> {
        let served = response.extensions().get::<Served>();
        let Some(mut from) = named.or_else(|| Some(served?.server.clone())) else {
            return Ok(response);
        };
        let mut path = again.as_ref().map_or("/", |again| again.path()).to_owned();
        // All places share the time of one request.
        let usual = shared.health.policy().deadline.cheap;
        if let Some(again) = &mut again {
            again.end_by(Deadline::within(usual));
        }
        let mut followed = 0;
        while let Some(to) =
            redirect::elsewhere(response.status(), response.headers(), &from, &path)
        {
            let to = to.map_err(|error| Error::because(ErrorKind::Redirected, error))?;
            if followed == REDIRECTS_MOST {
                let error = RedirectError::TooMany {
                    server: from,
                    location: to.uri.to_string(),
                };
                return Err(Error::because(ErrorKind::Redirected, error));
            }
            followed += 1;
            tracing::debug!(%from, to = %to.uri, "redirect followed");
            let again = again.as_mut();
            let Some(request) = again.and_then(|again| again.elsewhere(&from, &to)) else {
                return Err(Error::new(ErrorKind::BodyNotKept, None));
            };
            let served = response.extensions_mut().remove::<Served>();
            response = self.send_as_it_is(shared, &to.server, request).await?;
            if let Some(served) = served {
                response.extensions_mut().insert(Served {
                    server: to.server.clone(),
                    // Whoever is outside stands for an installation of its own.
                    role: role_of(shared, &to.server).unwrap_or(Role::Pool),
                    ..served
                });
            }
            path = to
                .uri
                .path_and_query()
                .map_or("/", PathAndQuery::as_str)
                .to_owned();
            from = to.server;
        }
        Ok(response)
    }
}
