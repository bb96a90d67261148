//! What the agent does for others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use standin_pcp::{InvalidData, Message, message_type};

/// The data of a blocking request, as the specification of PXP 1.0 has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    transaction_id: String,
    module: String,
    action: String,
    #[serde(default)]
    params: BTreeMap<String, Value>,
}

#[derive(Serialize)]
struct Response<'a> {
    transaction_id: &'a str,
    results: BTreeMap<&'static str, Value>,
}

/// The data of an error about a request that was understood.
#[derive(Serialize)]
struct Failure<'a> {
    transaction_id: &'a str,
    id: &'a str,
    description: String,
}

/// The answer to a message; `None` for what is no blocking request.
pub(crate) fn answer(message: &Message) -> Option<Message> {
    if message.message_type() != message_type::BLOCKING_REQUEST {
        return None;
    }
    let answer = match message.data::<Request>() {
        Ok(request) => carry_out(message, &request),
        // Without a transaction there is nothing that an error of PXP could name.
        Err(error) => message
            .answer(message_type::ERROR)
            .with_data(&with_causes(&error)),
    };
    answer.ok()
}

fn carry_out(message: &Message, request: &Request) -> Result<Message, InvalidData> {
    let transaction_id = &*request.transaction_id;
    match results(request) {
        Ok(results) => message
            .answer(message_type::BLOCKING_RESPONSE)
            .with_data(&Response {
                transaction_id,
                results,
            }),
        Err(description) => message.answer(message_type::RPC_ERROR).with_data(&Failure {
            transaction_id,
            id: message.id(),
            description,
        }),
    }
}

/// `ping ping` shows that the agent is there; `echo echo` gives back its argument.
fn results(request: &Request) -> Result<BTreeMap<&'static str, Value>, String> {
    match (&*request.module, &*request.action) {
        ("ping", "ping") => Ok(BTreeMap::new()),
        ("echo", "echo") => {
            let argument = request.params.get("argument");
            let argument = argument.ok_or("echo wants an argument")?;
            Ok(BTreeMap::from([("outcome", argument.clone())]))
        }
        (module @ ("ping" | "echo"), action) => Err(format!("unknown action {action} of {module}")),
        (module, _) => Err(format!("unknown module {module}")),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
