//! What failing over costs when all is well: the middleware over a bare inner service, side by side
//! in one run with the bare service and with the stack that a user of tower would build by hand.
//!
//! `cargo bench --bench overhead` prints, last, `overhead_ns=N allocations=N ratio_to_stack=R`:
//! our median cost above the bare service, its allocations above the bare service, and
//! (ours - bare) / (stack - bare). Nothing is switched off for it: deadline, copies for replay,
//! health, budget and `Served` are all on.
//!
//! A round times the three in the order bare, ours, stack, stack, ours, bare, so that drift of the
//! machine falls on all alike; each figure is the median over rounds of the paired difference.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use standin::{FailoverLayer, Installation, Served};
use tower::retry::RetryLayer;
use tower::retry::budget::{Budget as _, TpsBudget};
use tower::timeout::TimeoutLayer;
use tower::{BoxError, Layer, Service, ServiceBuilder};
use tower_resilience_circuitbreaker::CircuitBreakerLayer;

/// With `--test`, as `cargo bench -- --test` smoke-runs benches, a few rounds do.
const ROUNDS: usize = 400;
const SMOKE_ROUNDS: usize = 10;
const REQUESTS: usize = 500;

type Answer = Response<Full<Bytes>>;

/// Answers at once; the same for all three.
#[derive(Clone)]
struct Bare;

impl<B: Send + 'static> Service<Request<B>> for Bare {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    #[inline(never)]
    fn call(&mut self, request: Request<B>) -> Self::Future {
        black_box(&request);
        ready(Ok(Response::new(Full::new(Bytes::from_static(b"running")))))
    }
}

/// Retries answers that say "not now", as a policy written by hand would: bounded by a budget.
#[derive(Clone)]
struct Retries {
    budget: std::sync::Arc<TpsBudget>,
}

impl<E> tower::retry::Policy<Request<Full<Bytes>>, Answer, E> for Retries {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Full<Bytes>>,
        result: &mut Result<Answer, E>,
    ) -> Option<Ready<()>> {
        let failed = match result {
            Ok(response) => response.status().is_server_error(),
            Err(_) => true,
        };
        if !failed {
            self.budget.deposit();
            return None;
        }
        self.budget.withdraw().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

fn request<B>(body: B) -> Request<B> {
    const HEADERS: [(HeaderName, HeaderValue); 4] = [
        (
            ACCEPT,
            HeaderValue::from_static("application/vnd.puppet.rich+json"),
        ),
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        ),
        (USER_AGENT, HeaderValue::from_static("agent/1.0")),
        (
            HeaderName::from_static("x-puppet-version"),
            HeaderValue::from_static("8.10.0"),
        ),
    ];
    let url = "https://master.example.com:8140/puppet/v3/catalog/agent?environment=production";
    let builder = HEADERS
        .into_iter()
        .fold(Request::post(url), |builder, (name, value)| {
            builder.header(name, value)
        });
    match builder.body(body) {
        Ok(request) => request,
        Err(error) => unreachable!("the request is well formed: {error}"),
    }
}

/// Readies, calls and polls once: all three answer without waiting.
fn serve<S, B>(service: &mut S, request: Request<B>) -> Answer
where
    S: Service<Request<B>, Response = Answer>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let mut answer = pin!(service.call(request));
    match answer.as_mut().poll(&mut context) {
        Poll::Ready(Ok(response)) => response,
        _ => unreachable!("the inner service answers at once"),
    }
}

/// Nanoseconds for each request, from the call until the answer is dropped, `Served` with it. The
/// making of the requests is not counted.
fn time<S, B>(service: &mut S, body: &B) -> f64
where
    S: Service<Request<B>, Response = Answer>,
    B: Clone,
{
    let requests: Vec<Request<B>> = (0..REQUESTS).map(|_| request(body.clone())).collect();
    let begun = now();
    for request in requests {
        drop(black_box(serve(service, request)));
    }
    let took = now().duration_since(begun);
    took.as_nanos() as f64 / REQUESTS as f64
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn allocations<S, B>(service: &mut S, request: Request<B>) -> u64
where
    S: Service<Request<B>, Response = Answer>,
{
    let mut request = Some(request);
    let mut answer = None;
    let counted = allocation_counter::measure(|| {
        answer = request.take().map(|request| serve(service, request));
    });
    counted.count_total
}

#[allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
fn main() -> Result<(), BoxError> {
    // Timers need a runtime; within a task, tokio would make every 128th poll wait.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let _entered = runtime.enter();
    let body = Full::new(Bytes::from_static(b"facts_format=application%2Fjson"));
    let installation = Installation::of_hosts("master.example.com", Some("replica.example.com"))?;
    let layer = FailoverLayer::new(installation, "agent.example.com")?;

    let mut bare = Bare;
    let mut ours = layer.layer(Bare);
    let breaker = CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(100)
        .build()?;
    let budget = std::sync::Arc::new(TpsBudget::new(Duration::from_secs(10), 10, 0.2));
    let mut stack = ServiceBuilder::new()
        .layer(RetryLayer::new(Retries { budget }))
        .layer(breaker)
        .layer(TimeoutLayer::new(Duration::from_secs(240)))
        .service(Bare);

    let answer = serve(&mut ours, request(body.clone()));
    let served = answer.extensions().get::<Served>();
    assert!(
        served.is_some_and(|served| served.server.host() == "master.example.com"),
        "every response says who served it"
    );

    let rounds = match std::env::args().any(|argument| argument == "--test") {
        true => SMOKE_ROUNDS,
        false => ROUNDS,
    };
    let mut bare_ns = Vec::new();
    let mut ours_ns = Vec::new();
    let mut stack_ns = Vec::new();
    let mut ours_added = Vec::new();
    let mut stack_added = Vec::new();
    for round in 0..rounds + rounds / 10 {
        let first = [
            time(&mut bare, &body),
            time(&mut ours, &body),
            time(&mut stack, &body),
        ];
        let mut second = [
            time(&mut stack, &body),
            time(&mut ours, &body),
            time(&mut bare, &body),
        ];
        second.reverse();
        if round < rounds / 10 {
            continue;
        }
        for [bare, ours, stack] in [first, second] {
            bare_ns.push(bare);
            ours_ns.push(ours);
            stack_ns.push(stack);
            ours_added.push(ours - bare);
            stack_added.push(stack - bare);
        }
    }

    let [overhead, stack_overhead] = [median(ours_added), median(stack_added)];
    let at_bare = allocations(&mut bare, request(body.clone()));
    let at_ours = allocations(&mut ours, request(body.clone()));
    let at_stack = allocations(&mut stack, request(body.clone()));
    println!("{rounds} rounds of {REQUESTS} requests, medians");
    println!(
        "bare       {:>6.0} ns  {at_bare} allocations",
        median(bare_ns)
    );
    println!(
        "standin    {:>6.0} ns  {at_ours} allocations",
        median(ours_ns)
    );
    println!(
        "by hand    {:>6.0} ns  {at_stack} allocations",
        median(stack_ns)
    );
    println!(
        "overhead_ns={overhead:.0} allocations={} ratio_to_stack={:.2}",
        at_ours.saturating_sub(at_bare),
        overhead / stack_overhead
    );
    Ok(())
}
