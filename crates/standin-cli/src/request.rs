//! `standin request`: one request to whoever serves it now.

mod args;
mod data;
mod header;
mod output;
mod prefer;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use standin::https::ResponseBody;
use standin::{Deadline, Operation, Repeat, Served};
use tokio::time::Instant;

use crate::access::Access;
use crate::cli::Common;
use crate::code::Code;
use crate::failure::{Failure, chain};
use crate::steps;
use crate::streams::Streams;

pub(crate) use args::RequestArgs;
use args::lines;
use output::Output;

/// Sends the request and writes the answer.
///
/// # Errors
/// When there is no answer, or it cannot be written.
pub(crate) async fn run(
    args: &RequestArgs,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Code, Failure> {
    let (mut request, operation) = args.request()?;
    args.check_output()?;
    let _steps = steps::follow(streams.verbosity, args.head(request.headers()));
    let service = operation.service;
    let access = match &args.prefer {
        None => Access::open(common, streams)?,
        Some(preferred) => Access::open_in(common, streams, |installation| {
            preferred.first_in(installation, service)
        })?,
    };
    let until = args.deadline.map(|time| Instant::now() + time);
    if let Some(until) = until {
        request.extensions_mut().insert(Deadline::at(until));
    }
    let answered = access.client.request(request).await;
    access.remember(streams).await;
    let response = answered?;
    let status = response.status();
    mention(&response, streams);
    let answer = Answer {
        operation,
        until,
        response,
    };
    let mut output = Output::open(args.output.as_deref(), streams.out)?;
    answer.write(&mut output).await?;
    Ok(code(status))
}

fn mention(response: &Response<ResponseBody>, streams: &mut Streams<'_>) {
    let status = response.status();
    streams.mention(format_args!("< {:?} {status}", response.version()));
    for line in lines(response.headers()) {
        streams.mention(format_args!("< {line}"));
    }
    streams.mention("<");
    let Some(served) = response.extensions().get::<Served>() else {
        return;
    };
    let Served {
        server, role, took, ..
    } = served;
    let took = took.as_secs_f64();
    streams.mention(format_args!(
        "* served by {server} ({role}): {status} after {took:.3} s"
    ));
}

fn code(status: StatusCode) -> Code {
    match status {
        status if status.is_client_error() => Code::REFUSED,
        status if status.is_server_error() => Code::BROKEN,
        _ => Code::DONE,
    }
}

struct Answer {
    operation: Operation,
    until: Option<Instant>,
    response: Response<ResponseBody>,
}

impl Answer {
    async fn write(mut self, output: &mut Output<'_>) -> Result<(), Failure> {
        while let Some(data) = self.next().await? {
            output.write(&data)?;
            if output.is_closed() {
                break;
            }
        }
        output.finish()
    }

    /// The next piece of the body; of trailers, nothing.
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let body = self.response.body_mut();
        let frame = match self.until {
            None => body.frame().await,
            Some(until) => match tokio::time::timeout_at(until, body.frame()).await {
                Ok(frame) => frame,
                Err(_) => {
                    let story = "the time for it ran out before all of the answer had come";
                    return Err(self.broken(Code::DEADLINE, story));
                }
            },
        };
        let frame = frame.transpose().map_err(|error| {
            let code = match self.operation.repeat {
                Repeat::Harmless => Code::NOBODY,
                Repeat::Harmful => Code::MAYBE_PROCESSED,
            };
            self.broken(code, &chain(&error))
        })?;
        Ok(frame.map(|frame| frame.into_data().unwrap_or_default()))
    }

    /// The head of the answer came, and not all of the rest.
    fn broken(&self, code: Code, story: &str) -> Failure {
        let operation = self.operation;
        let advice = match operation.repeat {
            Repeat::Harmless => "what was written is not whole, so ask again",
            Repeat::Harmful => "it may have been processed, so look before you repeat it",
        };
        let status = self.response.status();
        let whose = match self.response.extensions().get::<Served>() {
            Some(Served { server, role, .. }) => format!("{server} ({role}), "),
            None => String::new(),
        };
        Failure::new(
            code,
            format!("{operation}: {story} ({whose}{status}); {advice}"),
        )
    }
}
