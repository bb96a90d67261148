//! An agent whose metrics Prometheus can scrape.
//!
//! ```sh
//! cargo run -p standin --features metrics --example metrics
//! curl http://127.0.0.1:9464/metrics
//! ```
//!
//! It works against an embedded lab whose classifier comes and goes; of an agent's own, only `main`'s
//! first lines and `serve` are needed.

use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use standin::telling::describe_metrics;
use standin::{Client, Installation, Names, SslFiles, Tls};
use standin_lab::{Fault, Lab, Service, Target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let recorder = PrometheusBuilder::new().install_recorder()?;
    describe_metrics();
    let listener = TcpListener::bind(LISTENS_AT).await?;
    tokio::spawn(serve(listener, recorder));
    tell(&format!("http://{LISTENS_AT}/metrics, until Ctrl-C"));

    let lab = Lab::builder().start().await?;
    let client = client(&lab)?;
    let classifier = Target::Service("master.test", Service::NodeClassifier);
    loop {
        let fault = lab.fault(classifier, Fault::Refuse).await?;
        work(&client).await;
        fault.lift().await;
        work(&client).await;
    }
}

fn client(lab: &Lab) -> Result<Client, Box<dyn std::error::Error>> {
    let names = lab.resolve().into_iter();
    let names = names.fold(Names::new(), |names, (host, address)| {
        names.with(&host, address)
    });
    let installation = Installation::of_hosts("master.test", Some("replica.test"))?;
    let tls = Tls::from_files(&SslFiles::in_dir(lab.ssl_dir(), "agent.test"))?;
    Ok(Client::builder(installation, tls).names(names).build()?)
}

async fn work(client: &Client) {
    for _ in 0..20 {
        if let Err(error) = client.get("/classifier-api/v1/groups").await {
            tell(&error.report());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Answers every request with the metrics as they are now.
async fn serve(listener: TcpListener, recorder: PrometheusHandle) -> std::io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        // Whatever is asked for, this is the answer; one read holds the head of any scraper's request.
        let _length = stream.read(&mut [0; 8192]).await?;
        let text = recorder.render();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

#[expect(clippy::print_stdout, reason = "an example talks")]
fn tell(line: &str) {
    println!("{line}");
}

/// The port that OpenTelemetry gives exporters for Prometheus.
const LISTENS_AT: &str = "127.0.0.1:9464";
