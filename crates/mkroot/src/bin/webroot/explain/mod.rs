//! `webroot explain`: what `httpd` would answer, by the code that `httpd` answers with.

mod answer;
mod entry;
mod reason;
mod request;

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::{Clock, Conn, Limits, Next, Plan, Recent, Request, Scratch, plan, reject};
use serde::Serialize;

use crate::cli::Explain;
use crate::escape::{Escaped, Lines};
use crate::opened::Opened;
use crate::out::Out;
use crate::trouble::{Outcome, Trouble};
use answer::Answer;
use reason::Reason;

#[derive(Serialize)]
struct Document<'a> {
    request: Escaped<'a>,
    /// `None` if the parser refuses the request.
    reason: Option<&'a Reason<'a>>,
    status: u16,
    head: Escaped<'a>,
    head_size: u64,
    body_size: u64,
    /// Whether the connection ends behind the answer.
    close: bool,
}

pub(crate) fn run(
    arguments: &Explain,
    opened: &Opened<'_>,
    out: &mut Out,
) -> Result<Outcome, Trouble> {
    let bytes = request::bytes(&arguments.request, &arguments.host, &arguments.fields)?;
    let mut recent = Recent::default();
    match Conn::new().next(&bytes, &mut recent, &Limits::default()) {
        Next::Request(request, _) => {
            let mut scratch = Scratch::default();
            let (plan, damage) = plan(&request, Some(&opened.webroot), &mut scratch);
            tell(arguments, opened, &bytes, Some(&request), &plan, out)?;
            damage.map_or(Ok(Outcome::Yes), |damage| Err(opened.damaged(damage)))
        }
        Next::Reject(rejection) => {
            tell(arguments, opened, &bytes, None, &reject(rejection), out)?;
            Ok(Outcome::Yes)
        }
        Next::More | Next::Skip(_) | Next::End => {
            Err(Trouble::plain("a request line is wanted, such as 'GET /'"))
        }
    }
}

fn tell(
    arguments: &Explain,
    opened: &Opened<'_>,
    bytes: &[u8],
    request: Option<&Request<'_>>,
    plan: &Plan<'_>,
    out: &mut Out,
) -> Result<(), Trouble> {
    let mut answer = Answer::default();
    plan.render(&now(), &mut answer);
    if arguments.body {
        return answer.write(opened, out);
    }
    let head = answer.head(opened)?;
    let body_size = answer.size() - head.len() as u64;
    let mut path = Vec::new();
    let reason = request.map(|request| Reason::of(&opened.webroot, request, plan, &mut path));
    if arguments.printed.is_json() {
        return out.json(&Document {
            request: Escaped(bytes),
            reason: reason.as_ref(),
            status: plan.reply.status().0,
            head: Escaped(&head),
            head_size: head.len() as u64,
            body_size,
            close: plan.close,
        });
    }
    match &reason {
        Some(reason) => out.text(reason)?,
        None => out.line("request    refused: it is not one, or can be read in two ways")?,
    }
    let connection = if plan.close { "ends" } else { "is kept" };
    out.line(format_args!(
        "answer     head of {} bytes, body of {body_size} bytes; the connection {connection}\n",
        head.len()
    ))?;
    out.text(Lines(&head))
}

fn now() -> Clock {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Clock::new(since.as_secs())
}
